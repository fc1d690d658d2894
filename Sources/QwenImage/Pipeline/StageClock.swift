/// Adds up the wall time of each stage.
final class StageClock {
    private let clock = ContinuousClock()
    private(set) var stageSeconds: [(stage: PipelineStage, seconds: Double)] = []

    /// Runs `body` and adds its time to the stage's.
    func time<Result>(_ stage: PipelineStage, _ body: () throws -> Result) rethrows -> Result {
        let start = clock.now
        defer { add(stage, (clock.now - start) / .seconds(1)) }
        return try body()
    }

    private func add(_ stage: PipelineStage, _ seconds: Double) {
        if let index = stageSeconds.firstIndex(where: { $0.stage == stage }) {
            stageSeconds[index].seconds += seconds
        } else {
            stageSeconds.append((stage, seconds))
        }
    }
}
