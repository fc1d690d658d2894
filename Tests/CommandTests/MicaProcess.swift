import Foundation

/// Runs the built command as a user would: another process, arguments, two streams, an exit status.
struct MicaProcess {
    let status: Int32
    let output: String
    let errors: String

    /// The repository's root.
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let fixtures = repository.appendingPathComponent("Tests/QwenImageTests/Fixtures/golden")
    /// True under a sanitizer, whose own memory is the process's too.
    static let isSanitized = !["ASAN_OPTIONS", "TSAN_OPTIONS"].allSatisfy {
        ProcessInfo.processInfo.environment[$0] == nil
    }
    /// True under the thread sanitizer.
    static let isThreadSanitized = ProcessInfo.processInfo.environment["TSAN_OPTIONS"] != nil

    /// The command beside the test bundle.
    static let executable: URL = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        for _ in 0..<4 {
            let candidate = folder.appendingPathComponent("mica")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        return repository.appendingPathComponent(".build/debug/mica")
    }()

    /// Runs `mica` with these arguments and waits for its end; `environment` is added to our own.
    ///
    /// - Parameter shell: what a shell does instead, with the command as `"$0"` and the arguments as `"$@"`.
    init(_ arguments: [String], environment: [String: String] = [:], shell: String? = nil) throws {
        let folder = FileManager.default.temporaryDirectory
        let outputFile = folder.appendingPathComponent("mica-out-\(UUID().uuidString)")
        let errorFile = folder.appendingPathComponent("mica-err-\(UUID().uuidString)")
        defer {
            try? FileManager.default.removeItem(at: outputFile)
            try? FileManager.default.removeItem(at: errorFile)
        }
        for file in [outputFile, errorFile] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = shell == nil ? Self.executable : URL(fileURLWithPath: "/bin/sh")
        process.arguments = (shell.map { ["-c", $0, Self.executable.path] } ?? []) + arguments
        process.currentDirectoryURL = Self.repository
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        try process.run()
        process.waitUntilExit()
        status = process.terminationStatus
        output = String(decoding: try Data(contentsOf: outputFile), as: UTF8.self)
        errors = String(decoding: try Data(contentsOf: errorFile), as: UTF8.self)
    }
}

/// A folder that goes away with the test.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("mica-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Names of everything in the folder, or in one inside of it, hidden files too.
    func contents(_ name: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
    }

    /// The bytes of a file in it.
    func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }
}
