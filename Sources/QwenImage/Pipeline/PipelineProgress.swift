import Synchronization

/// The parts of a job, in order.
public enum PipelineStage: String, Sendable, CaseIterable {
    case caption
    case encodePrompt = "encode_prompt"
    case encodeImage = "encode_image"
    case modulation
    case denoise
    case decode
}

/// Where a running job is.
public struct PipelineProgress: Sendable, Equatable {
    /// The part of the job that runs.
    public let stage: PipelineStage
    /// Units done in this stage (steps, layers, tokens).
    public let completed: Int
    /// Units in all; for a caption the most there can be.
    public let total: Int
    /// Share of the whole job that is done, 0...1, by an estimate of the stages' work.
    public let fraction: Double

    /// A place in a job.
    public init(stage: PipelineStage, completed: Int, total: Int, fraction: Double) {
        self.stage = stage
        self.completed = completed
        self.total = total
        self.fraction = fraction
    }
}

/// A flag that another thread raises and the pipeline reads between blocks.
public final class Cancellation: Sendable {
    private let raised = Atomic<Bool>(false)

    /// A flag that is not raised.
    public init() {}

    /// Asks the job to stop; it throws `PipelineError.cancelled` at the next block.
    public func cancel() {
        raised.store(true, ordering: .relaxed)
    }

    /// True once `cancel` was called.
    public var isCancelled: Bool { raised.load(ordering: .relaxed) }

    /// Throws if the job was cancelled.
    public func check() throws(PipelineError) {
        if isCancelled { throw .cancelled }
    }
}
