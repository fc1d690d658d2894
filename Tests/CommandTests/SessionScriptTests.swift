import Foundation
import Testing

/// `tools/cuda/session.sh` from a bundle whose programs do nothing: it says that a bar is met only where something was
/// measured.
struct SessionScriptTests {
    /// Bars and summary of a session whose programs and `nvidia-smi` are scripts of these lines; nil for one that
    /// fails.
    private func session(
        _ groups: [String] = [], mica: String, smi: String?, environment: [String: String] = [:],
        folder: TemporaryFolder
    ) throws -> (bars: [Substring], summary: String) {
        func script(_ path: String, _ lines: String) throws {
            let file = URL(fileURLWithPath: folder.path(path))
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("#!/bin/sh\n\(lines)\n".utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
        let source = MicaProcess.repository.appendingPathComponent("tools/cuda/session.sh")
        try script("session.sh", String(contentsOf: source, encoding: .utf8))
        try script("commit", "")
        try script("bin/mica", mica)
        try script("bin/tests", mica)
        // Stands before an nvidia-smi of the machine's.
        try script("programs/nvidia-smi", smi ?? "exit 9")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [folder.path("session.sh"), folder.path("results")] + groups
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let ours = ["PATH": "\(folder.path("programs")):\(path)", "SECONDS_IN_ALL": "60", "CUDA_VISIBLE_DEVICES": ""]
        process.environment = ProcessInfo.processInfo.environment.merging(ours) { $1 }.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let bars = (try? String(contentsOfFile: folder.path("results/bars.txt"), encoding: .utf8)) ?? ""
        return (
            bars.split(separator: "\n"), try String(contentsOfFile: folder.path("results/summary.txt"), encoding: .utf8)
        )
    }

    /// Memory that a card has in use, again and again: 100 MiB on card 1, 9,000 on any other.
    private static let cards = """
        card=0
        while [ $# -gt 0 ]; do [ "$1" = -i ] && card=$2; shift; done
        while true; do
            if [ "$card" = 1 ]; then echo "now, 100 MiB, 0 %"; else echo "now, 9000 MiB, 0 %"; fi
            sleep 0.02
        done
        """
    private static let figures = """
        echo 'cuda:0  a card'
        echo '{"median_seconds": 0.5, "seconds_per_step": 0.6, "forecast_held_bytes": 1000}'
        sleep 0.1
        """

    private static let failure = "echo 'cuda:0  a card'; exit 1"

    /// Neither figures that a program printed before it failed, nor memory that nobody looked at.
    @Test func whatFailedIsNotMeasured() throws {
        let folder = try TemporaryFolder()
        let found = try session(mica: Self.figures + "\nexit 1", smi: nil, folder: folder)
        #expect(found.bars.count == 12 && !found.summary.contains(" 0 MiB"))
        for bar in found.bars { #expect(bar.hasSuffix("not measured"), "\(bar)") }
    }

    /// Without a GPU one line says so: tests that are skipped have not passed.
    @Test(arguments: [
        ("no CUDA: the driver was not found", "no CUDA: the driver was not found"),
        ("cuda:0  no CUDA: too old\n        driver for CUDA 12.0", "no CUDA: too old"),
    ])
    func withoutAGPUNothingRuns(_ devices: String, _ reason: String) throws {
        let folder = try TemporaryFolder()
        let mica = "[ \"$1\" = devices ] && printf 'cpu:0   2 processors\\n\(devices)\\n'"
        let found = try session(mica: mica, smi: nil, folder: folder)
        #expect(found.bars.isEmpty && found.summary == "nothing was run: \(reason)\n")
    }

    /// Memory is that of the card that the programs use, and what an earlier session found is not this one's.
    @Test func whatRanIsMeasured() throws {
        let folder = try TemporaryFolder()
        let found = try session(
            mica: Self.figures, smi: Self.cards, environment: ["CUDA_VISIBLE_DEVICES": "1"], folder: folder)
        #expect(found.bars.filter { $0.hasSuffix("  met") }.count >= 3, "\(found.bars)")
        #expect(found.bars.contains { $0.contains("MiB by nvidia-smi") && $0.contains("found") })
        for (cards, expected) in [("1", "100 MiB"), ("0,1", "9000 MiB"), ("", "9000 MiB")] {
            let later = try session(
                mica: Self.failure, smi: Self.cards, environment: ["CUDA_VISIBLE_DEVICES": cards], folder: folder)
            #expect(later.bars.count == 12)
            for bar in later.bars { #expect(bar.hasSuffix("not measured"), "\(bar)") }
            let samples = try String(contentsOfFile: folder.path("results/samples.csv"), encoding: .utf8)
            #expect(Set(samples.split(separator: "\n")) == ["now, \(expected), 0 %"])
        }
    }

    /// Telling it once more, with a GPU or without one, changes nothing of what was found.
    @Test func aReportLeavesTheFolderAsItIs() throws {
        let folder = try TemporaryFolder()
        let found = try session(mica: Self.figures, smi: Self.cards, folder: folder)
        let samples = try Data(contentsOf: URL(fileURLWithPath: folder.path("results/samples.csv")))
        let told = try session(["report"], mica: "exit 1", smi: nil, folder: folder)
        #expect(told.bars == found.bars && told.bars.count == 12 && told.summary == found.summary)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("results/samples.csv"))) == samples)
    }
}
