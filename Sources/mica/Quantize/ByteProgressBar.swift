import Foundation
import TensorCore

/// How far a conversion or a download is, on standard error: a bar on a terminal, a line for each part elsewhere.
final class ByteProgressBar {
    private static let width = 28
    private static let leastSeconds = 1.0
    private let isShown: Bool
    private let isTerminal: Bool
    private let start = ContinuousClock.now
    /// Whether a bar stands on the terminal.
    private var isVisible = false
    private var part: String?
    private var lastShown: ContinuousClock.Instant?

    init(isShown: Bool) {
        self.isShown = isShown
        isTerminal = StandardError.isTerminal
    }

    func show(_ part: String, done: Int, of total: Int) {
        guard isShown else { return }
        if part != self.part {
            self.part = part
            if !isTerminal { write("\(part) ...\n") }
        }
        // Ten times a second is as much as a person sees.
        if let lastShown, done < total, ContinuousClock.now - lastShown < .milliseconds(100) { return }
        lastShown = .now
        guard isTerminal, total > 0 else { return }
        isVisible = true
        let filled = Self.width * done / total
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
        write("\r\u{1B}[K[\(bar)] \(part), \(ByteCount(done)) of \(ByteCount(total))\(timeLeft(done, total))")
    }

    /// Clears the bar, if there is one.
    func finish() {
        guard isVisible else { return }
        write("\r\u{1B}[K")
        isVisible = false
    }

    private func timeLeft(_ done: Int, _ total: Int) -> String {
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        // The first moments say nothing about the rest.
        guard done > 0, done < total, elapsed >= Self.leastSeconds else { return "" }
        let seconds = Int((elapsed / Double(done) * Double(total - done)).rounded(.up))
        let rate = ", \(ByteCount(Int(Double(done) / elapsed)))/s"
        return rate + (seconds < 60 ? ", \(seconds) s left" : ", \(seconds / 60) min \(seconds % 60) s left")
    }

    private func write(_ text: String) {
        StandardError.write(text)
    }
}
