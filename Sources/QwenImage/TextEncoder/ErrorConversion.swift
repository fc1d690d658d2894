import TensorCore
import Weights

extension PipelineError {
    /// Runs work on weights and turns its error into the pipeline's.
    static func converting<Result>(
        _ body: () throws(WeightsError) -> Result
    ) throws(PipelineError) -> Result {
        do {
            return try body()
        } catch {
            throw PipelineError(error)
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
