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
