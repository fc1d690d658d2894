extension PipelineStage {
    /// Where the stage starts and ends in the whole job, for a bar that moves steadily: by the usual share of the time.
    private var share: ClosedRange<Double> {
        switch self {
        case .caption: 0...0.1
        case .encodePrompt: 0.1...0.12
        case .encodeImage: 0.12...0.15
        case .modulation: 0.15...0.16
        case .denoise: 0.16...0.92
        case .decode: 0.92...1
        }
    }

    /// The progress of a job that has done `completed` of `total` units of this stage.
    func progress(_ completed: Int, of total: Int) -> PipelineProgress {
        let part = total > 0 ? Double(completed) / Double(total) : 0
        let fraction = share.lowerBound + part * (share.upperBound - share.lowerBound)
        return PipelineProgress(stage: self, completed: completed, total: total, fraction: fraction)
    }
}
