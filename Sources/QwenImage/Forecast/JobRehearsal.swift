import TensorCore

/// Runs a job on a backend that rehearses, stage by stage: the first repetitions of what repeats, counted as often as
/// the job does them.
final class JobRehearsal {
    private let job: LayeredJob
    private let meter: Meter
    private let pictureBytes: Int
    private var stages: [StageForecast] = []

    /// - Parameters:
    ///   - job: over a pipeline on `meter`.
    ///   - pictureBytes: of the picture that is given, decoded.
    init(_ job: LayeredJob, meter: Meter, pictureBytes: Int) {
        self.job = job
        self.meter = meter
        self.pictureBytes = pictureBytes
    }

    func run() throws -> JobForecast {
        let parameters = job.parameters
        try caption()
        let branches = try stage(.encodePrompt, hostBytes: rotaryBytes) { _ in
            try prompts().map { prompt in
                try job.branch(
                    try job.pipeline.textEncoder.encode(
                        tokenIDs: try job.pipeline.textEncoder.tokenIDs(of: prompt),
                        maxSequenceLength: parameters.maxSequenceLength))
            }
        }
        let condition = try stage(.encodeImage, hostBytes: pixelCount * 16) { _ in
            try job.encode { [Float](repeating: 0, count: pixelCount * 4) }
        }
        let (noise, schedule) = try stage(.modulation, hostBytes: noiseBytes) { _ in
            (try job.noise(given: nil), try job.prepareSchedule(conditionTokens: condition.shape[0]))
        }
        let steps = parameters.numInferenceSteps
        let results = try stage(.denoise, repetitions: steps * noise.count) { between in
            try noise.indices.map { index in
                try job.denoise(
                    noise[index], index, condition: condition, branches: branches, schedule: schedule,
                    steps: 0..<(index == 0 ? min(steps, 2) : 1), afterStep: index == 0 ? between : {})
            }
        }
        try stage(.decode, repetitions: parameters.layers * results.count, hostBytes: decodeBytes) { between in
            job.backend.releaseUnusedMemory()
            for _ in 0..<2 {
                _ = try job.decodeTokens(job.tokens(ofLayer: 1, in: results[0]))
                between()
            }
        }
        return JobForecast(width: job.size.width, height: job.size.height, stages: stages)
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
        try stage(.caption, repetitions: Qwen25VLTextEncoder.captionTokens, hostBytes: pixelCount * 12) { between in
            // The pixels of the first token are the prompt's own; a token that follows is the unit that repeats.
            try encoder.rehearseCaption(
                width: job.size.width, height: job.size.height,
                language: job.parameters.useEnPrompt ? .english : .chinese, between: between)
            between()
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

    /// Runs a stage and notes what it took. `body` calls `between` after the first repetition and after the second,
    /// if it does two: what the second took counts for all others.
    @discardableResult
    private func stage<Result>(
        _ stage: PipelineStage, repetitions: Int = 1, hostBytes: Int = 0,
        _ body: (_ between: () -> Void) throws -> Result
    ) throws -> Result {
        let before = meter.counts
        meter.resetPeak()
        var marks: [Meter.Counts] = []
        let result = try job.clock.time(stage) { try body { marks.append(meter.counts) } }
        let after = meter.counts
        let weights = meter.peakWeights
        let first = (marks.first ?? after) - before
        var total = first
        var one = Meter.Counts()
        if marks.count > 1 {
            one = marks[1] - marks[0]
            total = first + one * (repetitions - 1)
            total.mappedBytes = after.mappedBytes - before.mappedBytes
        }
        stages.append(
            StageForecast(
                stage: stage, peakTensorBytes: job.clock.stagePeakBytes[stage] ?? 0,
                remainingTensorBytes: meter.memory.usedBytes, heldWeightBytes: weights.heldBytes,
                sharedWeightBytes: weights.sharedBytes, mappedBytes: after.mappedBytes,
                hostBytes: pictureBytes + pixelCount * 4 + hostBytes, readBytes: total.mappedBytes,
                weightBytes: total.weightBytes, movedBytes: total.movedBytes, work: total.work,
                repetitions: repetitions, weightBytesARepetition: one.weightBytes))
        return result
    }
}
