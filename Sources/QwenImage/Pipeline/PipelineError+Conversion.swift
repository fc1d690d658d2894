import ImageCodecs
import TensorCore
import Weights

extension PipelineError {
    /// What a failure on the device is to the one who asked.
    init(cause: TensorError) {
        self = cause == .cancelled ? .cancelled : .tensor(cause)
    }

    /// What a failure with weights is to the one who asked: work on a block comes wrapped in it.
    init(cause: WeightsError) {
        if case .tensor(let error) = cause {
            self.init(cause: error)
        } else {
            self = .weights(cause)
        }
    }

    /// The pipeline's name for any error of the modules below.
    init(wrapping error: any Error) {
        switch error {
        case let error as PipelineError: self = error
        case let error as WeightsError: self.init(cause: error)
        case let error as TensorError: self.init(cause: error)
        case let error as TokenizerError: self = .tokenizer(error)
        case let error as SchedulerError: self = .scheduler(error)
        case let error as PlacementError: self = .placement(error)
        case let error as ImageError: self = .image(error)
        default: preconditionFailure("an error that no module declares: \(error)")
        }
    }

    /// Runs work on weights and turns its error into the pipeline's.
    static func converting<Result>(
        _ body: () throws(WeightsError) -> Result
    ) throws(PipelineError) -> Result {
        do {
            return try body()
        } catch {
            throw PipelineError(cause: error)
        }
    }
}

extension WeightsError {
    /// Runs work on the device between two blocks and gives its error the form that work inside a block has.
    static func converting<Result>(
        _ body: () throws(TensorError) -> Result
    ) throws(WeightsError) -> Result {
        do {
            return try body()
        } catch {
            throw .tensor(error)
        }
    }
}
