import TensorCore
import Weights

extension PipelineError {
    /// The pipeline's name for an error of one of the modules below.
    init(_ error: any Error) {
        switch error {
        case let error as PipelineError: self = error
        case WeightsError.tensor(let error): self.init(error)
        case TensorError.cancelled: self = .cancelled
        case let error as WeightsError: self = .weights(error)
        case let error as TensorError: self = .tensor(error)
        case let error as TokenizerError: self = .tokenizer(error)
        case let error as SchedulerError: self = .scheduler(error)
        default: preconditionFailure("an error that no module declares: \(error)")
        }
    }
}
