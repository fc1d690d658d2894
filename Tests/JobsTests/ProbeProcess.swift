import Foundation
import Testing

/// Runs `jobs-crash-probe` and reads its lines.
final class ProbeProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var pending = Data()
    private(set) var lines: [String] = []

    /// The probe beside the test bundle.
    private static let executable: URL = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        for _ in 0..<4 {
            let candidate = folder.appendingPathComponent("jobs-crash-probe")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        return URL(fileURLWithPath: ".build/debug/jobs-crash-probe")
    }()

    /// Starts it, to write at most `lineLimit` lines.
    init(_ arguments: [String], lineLimit: Int) throws {
        process.executableURL = Self.executable
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(repeating: 0x0a, count: lineLimit))
    }

    /// The next line; nil once it has ended.
    func next() -> String? {
        while true {
            if let end = pending.firstIndex(of: 0x0a) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending = Data(pending[(end + 1)...])
                lines.append(line)
                return line
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { return nil }
            pending += more
        }
    }

    /// Reads until it has written so many lines or ended, and kills it as nothing can be survived.
    func kill(afterLines count: Int) {
        while lines.count < count, next() != nil {}
        Foundation.kill(process.processIdentifier, SIGKILL)
        finish()
    }

    /// Reads all lines and returns the exit status, or minus the signal.
    @discardableResult
    func finish() -> Int32 {
        while next() != nil {}
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus
    }

    /// The words of lines that begin with `word`.
    func lines(_ word: String) -> [[String]] {
        lines.map { $0.split(separator: " ").map(String.init) }.filter { $0.first == word }
    }
}
