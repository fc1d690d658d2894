import TensorCore
import Weights

/// Adds up the wall time of each stage, and says of memory that ran out in which.
final class StageClock {
    private let clock = ContinuousClock()
    private(set) var stageSeconds: [(stage: PipelineStage, seconds: Double)] = []

    /// Runs `body` and adds its time to the stage's.
    func time<Result>(_ stage: PipelineStage, _ body: () throws -> Result) throws -> Result {
        let start = clock.now
        defer { add(stage, (clock.now - start) / .seconds(1)) }
        do {
            return try body()
        } catch {
            throw Self.located(error, in: stage)
        }
    }

    /// An error that says where memory ran out.
    private static func located(_ error: any Error, in stage: PipelineStage) -> any Error {
        switch error {
        case let cause as TensorError, WeightsError.tensor(let cause), PipelineError.tensor(let cause):
            guard case .outOfMemory = cause else { return error }
            return PipelineError.outOfMemory(stage: stage, cause: cause, fitting: nil)
        default: return error
        }
    }

    private func add(_ stage: PipelineStage, _ seconds: Double) {
        if let index = stageSeconds.firstIndex(where: { $0.stage == stage }) {
            stageSeconds[index].seconds += seconds
        } else {
            stageSeconds.append((stage, seconds))
        }
    }
}
