import Foundation
import QwenImage

/// Shows where a job is, on standard error: a bar on a terminal, a line a stage elsewhere.
final class ProgressBar {
    private static let width = 28
    private let isShown: Bool
    private let isTerminal: Bool
    private let start = ContinuousClock.now
    /// Whether a bar stands on the terminal.
    private var isVisible = false
    private var stage: PipelineStage?
    private var stageStart = ContinuousClock.now
    private var stageFirst = 0

    init(isShown: Bool) {
        self.isShown = isShown
        isTerminal = StandardError.isTerminal
    }

    func show(_ progress: PipelineProgress) {
        guard isShown else { return }
        if progress.stage != stage {
            stage = progress.stage
            stageStart = .now
            stageFirst = progress.completed
            if !isTerminal { write("\(progress.stage.title) ...\n") }
        }
        guard isTerminal else { return }
        isVisible = true
        let filled = Int(progress.fraction * Double(Self.width))
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
        let counter = progress.total > 1 ? " \(progress.completed)/\(progress.total)" : ""
        write("\r\u{1B}[K[\(bar)] \(progress.stage.title)\(counter)\(timeLeft(progress))")
    }

    /// Clears the bar, if there is one.
    func finish() {
        guard isVisible else { return }
        write("\r\u{1B}[K")
        isVisible = false
    }

    /// Time that the stage still takes, at the pace of its units so far.
    private func timeLeft(_ progress: PipelineProgress) -> String {
        let done = progress.completed - stageFirst
        guard done > 0, progress.total > progress.completed else { return "" }
        let elapsed = (ContinuousClock.now - stageStart) / .seconds(1)
        let seconds = Int((elapsed / Double(done) * Double(progress.total - progress.completed)).rounded(.up))
        return seconds < 60 ? ", \(seconds) s left" : ", \(seconds / 60) min \(seconds % 60) s left"
    }

    private func write(_ text: String) {
        StandardError.write(text)
    }
}

extension PipelineStage {
    /// The stage in words.
    var title: String {
        switch self {
        case .caption: "writing a caption"
        case .encodePrompt: "encoding the prompt"
        case .encodeImage: "encoding the picture"
        case .modulation: "preparing the schedule"
        case .denoise: "denoising"
        case .decode: "decoding layers"
        }
    }
}
