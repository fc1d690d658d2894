import TensorCore
import Weights

/// Runs a job on a backend that rehearses, stage by stage: the first repetitions of what repeats, counted as often as
/// the job does them.
final class JobRehearsal {
    private let job: LayeredJob
    /// By device.
    private let meters: [Meter]
    private let pictureBytes: Int
    private var stages: [StageForecast] = []

    /// - Parameters:
    ///   - job: over a pipeline on `meters`.
    ///   - pictureBytes: of the picture that is given, decoded.
    init(_ job: LayeredJob, meters: [Meter], pictureBytes: Int) {
        self.job = job
        self.meters = meters
        self.pictureBytes = pictureBytes
    }

    func run() throws -> JobForecast {
        try caption()
        let results = try denoised()
        let layers = job.parameters.layers * results.count
        try stage(.decode, of: .vae, repetitions: layers, hostBytes: decodeBytes) { between in
            let vae = job.offload.root(of: .vae)
            vae.releaseUnusedMemory()
            for _ in 0..<2 {
                let tokens = try job.offload.transfer(
                    job.tokens(ofLayer: 1, in: results[0]), from: job.backend, to: vae)
                _ = try job.decodeTokens(tokens)
                between()
            }
        }
        return JobForecast(width: job.size.width, height: job.size.height, stages: stages)
    }

    /// As `LayeredJob.denoised`: what only the loop needs is gone when this returns.
    private func denoised() throws -> [Tensor] {
        let parameters = job.parameters
        let prompts = prompts()
        let branches = try stage(.encodePrompt, of: .textEncoder, hostBytes: rotaryBytes) { _ in
            try prompts.enumerated().map { index, prompt in
                try job.branch(
                    try job.pipeline.textEncoder.encode(
                        tokenIDs: try job.pipeline.textEncoder.tokenIDs(of: prompt),
                        maxSequenceLength: parameters.maxSequenceLength, continues: index + 1 < prompts.count))
            }
        }
        let condition = try stage(.encodeImage, of: .vae, hostBytes: pixelCount * 16) { _ in
            try job.encode { [Float](repeating: 0, count: pixelCount * 4) }
        }
        let (noise, schedule) = try stage(.modulation, of: .transformer, hostBytes: noiseBytes) { _ in
            (try job.noise(given: nil), try job.prepareSchedule(conditionTokens: condition.shape[0]))
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
        try stage(.caption, of: .textEncoder, repetitions: tokens, hostBytes: pixelCount * 12) { between in
            try encoder.rehearseCaption(
                width: job.size.width, height: job.size.height,
                language: job.parameters.useEnPrompt ? .english : .chinese, between: between)
        }
    }

    // MARK: Arrays of the host

    private var pixelCount: Int { job.size.width * job.size.height }

    /// Cosines and sines of one branch, before they go to the device.
    private var rotaryBytes: Int {
        let tokens = (job.frames + 1) * job.geometry.frameTokens + job.parameters.maxSequenceLength
        return tokens * job.pipeline.transformer.configuration.attentionHeadDim * 4
    }

    private var noiseBytes: Int {
        job.parameters.numImagesPerPrompt * job.frames * job.geometry.frameTokens * job.geometry.tokenChannels * 4
    }

    /// The last layer's values and pixels, and the pixels of all layers before it.
    private var decodeBytes: Int {
        pixelCount * (16 + 4 * job.parameters.layers * job.parameters.numImagesPerPrompt)
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
        Moment(
            counts: meters.reduce(Meter.Counts()) { $0 + $1.counts }, stagedBytes: job.offload.traffic.movedBytes)
    }

    /// Runs a stage and notes what it took. `body` calls `between` after the first repetition and after the second,
    /// if it does two: what the second took counts for all others.
    @discardableResult
    private func stage<Result>(
        _ stage: PipelineStage, of component: ModelComponent, repetitions: Int = 1, hostBytes: Int = 0,
        _ body: (_ between: () -> Void) throws -> Result
    ) throws -> Result {
        let before = moment
        var marks: [Moment] = []
        let result = try job.stage(stage, of: component) { try body { marks.append(moment) } }
        var total = (marks.first ?? moment) - before
        var one = Moment()
        if marks.count > 1 {
            one = marks[1] - marks[0]
            total = .sum(total, one, times: repetitions - 1)
        }
        let peaks = job.offload.stages.last?.peaks ?? []
        let weights = meters.map(\.peakWeights)
        let shared = weights.reduce(0) { $0 + $1.sharedBytes }
        // Of what is mapped, the device's own count has what is lent.
        let mapped = meters.reduce(0) { $0 + $1.peakUnlentBytes }
        stages.append(
            StageForecast(
                stage: stage, peaks: peaks, heldWeightBytes: weights.reduce(0) { $0 + $1.heldBytes },
                sharedWeightBytes: shared, mappedBytes: mapped,
                hostBytes: pictureBytes + pixelCount * 4 + hostBytes,
                readBytes: total.counts.mappedBytes + total.stagedBytes, weightBytes: total.counts.weightBytes,
                movedBytes: total.counts.movedBytes + total.stagedBytes, work: total.counts.work,
                repetitions: repetitions, readBytesARepetition: one.counts.mappedBytes + one.stagedBytes))
        return result
    }
}
