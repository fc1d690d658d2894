import Foundation
import Glibc
import Testing

/// Commands that are told to stop.
@Suite struct InterruptCommandTests {
    /// A command that runs, with the signals as a terminal's programs have them whatever the test's own are.
    private final class Running {
        let process = Process()
        private let errors: URL

        init(_ arguments: [String], in folder: TemporaryFolder) throws {
            errors = folder.url.appendingPathComponent("errors")
            try Data().write(to: errors)
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["--default-signal=INT,TERM,HUP", MicaProcess.executable.path] + arguments
            process.currentDirectoryURL = MicaProcess.repository
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = try FileHandle(forWritingTo: errors)
            try process.run()
        }

        func said() throws -> String { try String(contentsOf: errors, encoding: .utf8) }

        /// Sends the signal again and again, since one may come before somebody waits for it, until the command ends;
        /// false if it does not.
        func ends(by number: Int32) -> Bool {
            for _ in 0..<1200 where process.isRunning {
                kill(process.processIdentifier, number)
                usleep(50_000)
            }
            if process.isRunning {
                kill(process.processIdentifier, SIGKILL)
                return false
            }
            process.waitUntilExit()
            return true
        }
    }

    /// One is enough between two blocks, whichever it is.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aSignalCancels(_ number: Int32) throws {
        let folder = try TemporaryFolder()
        let command = try Running(
            DecomposeCommandTests.quick + ["--steps", "1000", "-o", folder.path("new/out")], in: folder)
        while command.process.isRunning, try !command.said().contains("denoising") { usleep(10_000) }
        kill(command.process.processIdentifier, number)
        command.process.waitUntilExit()
        #expect(command.process.terminationReason == .exit && command.process.terminationStatus == 128 + number)
        #expect(try command.said().hasSuffix("mica: cancelled; nothing was written\n"))
        #expect(try folder.contents() == ["errors"])
    }

    /// What waits for something cannot be cancelled; the second signal ends it, and takes along what was begun.
    @Test func aSecondSignalEndsAtOnce() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.path("map"), 0o600) == 0)
        let command = try Running(
            DecomposeCommandTests.quick + ["--device-map", folder.path("map"), "-o", folder.path("new/out")], in: folder
        )
        // Opens once the command reads it, which has made its folder then.
        var map: Int32 = -1
        while map < 0, command.process.isRunning {
            map = open(folder.path("map"), O_WRONLY | O_NONBLOCK)
            usleep(10_000)
        }
        defer { close(map) }
        #expect(try folder.contents("new") == ["out"])
        #expect(command.ends(by: SIGINT))
        #expect(command.process.terminationReason == .exit && command.process.terminationStatus == 128 + SIGINT)
        #expect(try folder.contents() == ["errors", "map"])
    }
}
