import TensorCore

/// What one job takes, told beforehand: memory, arithmetic and traffic by stage.
///
/// Made by running the pipeline itself on a backend that rehearses (`LayeredPipeline.forecast`), so that it counts the
/// very allocations that the job will make.
public struct JobForecast: Sendable {
    /// Width and height of the layers in pixels.
    public let width: Int
    public let height: Int
    /// In the order in which they run; a job without a caption has no such stage.
    public let stages: [StageForecast]

    /// A forecast of its stages.
    public init(width: Int, height: Int, stages: [StageForecast]) {
        self.width = width
        self.height = height
        self.stages = stages
    }

    /// The most bytes of tensors that the device holds at once.
    public var peakTensorBytes: Int { stages.map(\.peakTensorBytes).max() ?? 0 }

    /// The stage that needs the most.
    public var widestStage: StageForecast? { stages.max { $0.peakTensorBytes < $1.peakTensorBytes } }

    /// The most bytes that the process holds at once above what it had before the job: tensors, the parts of mapped
    /// checkpoints that were touched by then, and arrays of the host.
    public var peakProcessBytes: Int { stages.map(\.peakProcessBytes).max() ?? 0 }

    /// All arithmetic.
    public var work: Work { stages.reduce(Work()) { $0 + $1.work } }
}

/// What one stage of a job takes.
public struct StageForecast: Sendable {
    /// Which.
    public let stage: PipelineStage
    /// The most bytes of tensors at once, weights that the device holds itself included.
    public let peakTensorBytes: Int
    /// Bytes of tensors that are still there when the stage is done.
    public let remainingTensorBytes: Int
    /// Bytes of weights that the device holds, within `peakTensorBytes`, and that it shares with a mapped checkpoint.
    public let heldWeightBytes: Int
    public let sharedWeightBytes: Int
    /// Bytes of mapped checkpoints that are resident at the end of the stage, shared with the device or copied to it.
    public let mappedBytes: Int
    /// Bytes of the host's own arrays, such as pictures, at most.
    public let hostBytes: Int
    /// Bytes of checkpoints that the stage touches for the first time, and so reads from storage if nothing has them.
    public let readBytes: Int
    /// Bytes of weights that are asked for, all steps together.
    public let weightBytes: Int
    /// Bytes that go to the device: weights that it does not share with the host, and values.
    public let movedBytes: Int
    /// Arithmetic, all steps together.
    public let work: Work
    /// Steps, tokens or layers that the stage repeats.
    public let repetitions: Int
    /// Weights asked for in one repetition after the first.
    public let weightBytesARepetition: Int

    /// What was counted, or is known otherwise.
    public init(
        stage: PipelineStage, peakTensorBytes: Int, remainingTensorBytes: Int, heldWeightBytes: Int,
        sharedWeightBytes: Int, mappedBytes: Int, hostBytes: Int, readBytes: Int, weightBytes: Int, movedBytes: Int,
        work: Work, repetitions: Int, weightBytesARepetition: Int
    ) {
        self.stage = stage
        self.peakTensorBytes = peakTensorBytes
        self.remainingTensorBytes = remainingTensorBytes
        self.heldWeightBytes = heldWeightBytes
        self.sharedWeightBytes = sharedWeightBytes
        self.mappedBytes = mappedBytes
        self.hostBytes = hostBytes
        self.readBytes = readBytes
        self.weightBytes = weightBytes
        self.movedBytes = movedBytes
        self.work = work
        self.repetitions = repetitions
        self.weightBytesARepetition = weightBytesARepetition
    }

    /// Bytes that the process holds at most, above what it had before the job.
    public var peakProcessBytes: Int { peakTensorBytes + mappedBytes + hostBytes }
}
