import TensorCore
import Weights

/// Runs a job on a backend that rehearses, stage by stage: the first repetitions of what repeats, counted as often as
/// the job does them.
final class JobRehearsal {
    private let job: LayeredJob
    /// By device.
    private let meters: [Meter]
    private let process: ProcessMeter
    private let picture: OutputSize
    private var stages: [StageForecast] = []

    /// - Parameters:
    ///   - job: over a pipeline on `meters`.
    ///   - process: that the meters tell what they hold.
    ///   - picture: the size of the one that is given.
    init(_ job: LayeredJob, meters: [Meter], process: ProcessMeter, picture: OutputSize) {
        self.job = job
        self.meters = meters
        self.process = process
        self.picture = picture
    }

    func run() throws -> JobForecast {
        // The picture as it is given, and at the model's size if that is another.
        process.hold(picture.byteCount + (picture == job.size ? 0 : job.size.byteCount))
        try caption()
        try decode(try denoised())
        process.resetPeak()
        return JobForecast(
            width: job.size.width, height: job.size.height, stages: stages, remaining: process.peak)
    }

    /// As `LayeredJob.decode`, of two layers; of the others there are pixels.
    private func decode(_ results: [Tensor]) throws {
        let layers = job.parameters.layers * results.count
        try stage(.decode, of: .vae, repetitions: layers) { between in
            let vae = job.offload.root(of: .vae)
            vae.releaseUnusedMemory()
            for index in 0..<2 {
                let tokens = try job.offload.transfer(
                    job.tokens(ofLayer: 1, in: results[0]), from: job.backend, to: vae)
                let decoded = try job.decodeTokens(tokens)
                let values = HostArrayCount(on: vae)
                values.hold(decoded.byteCount)
                // The second one stands for all that follow.
                process.hold(job.size.byteCount * (index == 0 ? 1 : layers - 1))
                between()
            }
        }
    }

    /// As `LayeredJob.denoised`: what only the loop needs is gone when this returns.
    private func denoised() throws -> [Tensor] {
        let parameters = job.parameters
        let prompts = prompts()
        let branches = try stage(.encodePrompt, of: .textEncoder) { _ in
            try prompts.enumerated().map { index, prompt in
                try job.branch(
                    try job.pipeline.textEncoder.encode(
                        tokenIDs: try job.pipeline.textEncoder.tokenIDs(
                            of: prompt, maxSequenceLength: parameters.maxSequenceLength),
                        maxSequenceLength: parameters.maxSequenceLength, continues: index + 1 < prompts.count),
                    isNegative: index > 0)
            }
        }
        let condition = try stage(.encodeImage, of: .vae) { _ in
            try job.encode { [] }
        }
        let (noise, schedule) = try stage(.modulation, of: .transformer) { _ in
            (try drawNoise(), try job.prepareSchedule(conditionTokens: condition.shape[0]))
        }
        let steps = parameters.numInferenceSteps
        return try stage(.denoise, of: .transformer, repetitions: steps * noise.count) { between in
            try noise.indices.map { index in
                try job.denoise(
                    noise[index], index, condition: condition, branches: branches, schedule: schedule,
                    steps: 0..<(index == 0 ? min(steps, 2) : 1), afterStep: index == 0 ? between : {})
            }
        }
    }

    /// The prompts' texts; nil stands for the longest caption.
    private func prompts() -> [String?] {
        job.prompts.enumerated().map { index, prompt in index == 0 && needsCaption ? nil : prompt.text }
    }

    private var needsCaption: Bool {
        job.parameters.needsCaption && job.pipeline.model.defaults.captioner ?? true
    }

    private func caption() throws {
        guard needsCaption else { return }
        let encoder = job.pipeline.textEncoder
        let tokens = Qwen25VLTextEncoder.captionTokens
        try stage(.caption, of: .textEncoder, repetitions: tokens) { between in
            try encoder.rehearseCaption(
                width: job.size.width, height: job.size.height,
                language: job.parameters.useEnPrompt ? .english : .chinese, between: between)
        }
    }

    // MARK: Arrays of the host

    /// The noise of all images, which is drawn at once.
    private func drawNoise() throws -> [Tensor] {
        let count = job.parameters.numImagesPerPrompt
        let arrays = HostArrayCount(on: job.backend)
        // Of a single image it is the very array that goes to the device.
        let elements = job.frames * job.geometry.frameTokens * job.geometry.tokenChannels
        if count > 1 { arrays.hold(count * elements * 4) }
        return try job.noise(given: nil)
    }

    // MARK: Counting

    /// What was counted at a moment: by the meters, and by the manager that stages weights.
    private struct Moment {
        var counts = Meter.Counts()
        var stagedBytes = 0

        static func - (one: Moment, other: Moment) -> Moment {
            Moment(counts: one.counts - other.counts, stagedBytes: one.stagedBytes - other.stagedBytes)
        }

        /// The first and `count` of the others.
        static func sum(_ first: Moment, _ other: Moment, times count: Int) -> Moment {
            Moment(
                counts: first.counts + other.counts * count,
                stagedBytes: first.stagedBytes + other.stagedBytes * count)
        }
    }

    private var moment: Moment {
        var counts = meters.reduce(Meter.Counts()) { $0 + $1.counts }
        // The second branch's device works at the same time; the first one has more to do.
        if job.offload.plan == .guidance { counts.work = meters[0].counts.work }
        return Moment(counts: counts, stagedBytes: job.offload.traffic.movedBytes)
    }

    /// Runs a stage and notes what it took. `body` calls `between` after the first repetition and after the second,
    /// if it does two: what the second took counts for all others.
    @discardableResult
    private func stage<Result>(
        _ stage: PipelineStage, of component: ModelComponent, repetitions: Int = 1,
        _ body: (_ between: () -> Void) throws -> Result
    ) throws -> Result {
        let before = moment
        var marks: [Moment] = []
        let result = try job.stage(stage, of: component) {
            process.resetPeak()
            return try body { marks.append(moment) }
        }
        var total = (marks.first ?? moment) - before
        var one = Moment()
        if marks.count > 1 {
            one = marks[1] - marks[0]
            total = .sum(total, one, times: repetitions - 1)
        }
        let peaks = job.offload.stages.last?.peaks ?? []
        let weights = meters.map(\.peakWeights)
        let shared = weights.reduce(0) { $0 + $1.sharedBytes }
        stages.append(
            StageForecast(
                stage: stage, peaks: peaks, heldWeightBytes: weights.reduce(0) { $0 + $1.heldBytes },
                sharedWeightBytes: shared, process: process.peak,
                readBytes: total.counts.mappedBytes + total.stagedBytes, weightBytes: total.counts.weightBytes,
                movedBytes: total.counts.movedBytes + total.stagedBytes, work: total.counts.work,
                repetitions: repetitions, readBytesARepetition: one.counts.mappedBytes + one.stagedBytes))
        return result
    }
}
