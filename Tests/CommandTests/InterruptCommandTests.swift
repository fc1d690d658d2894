import Foundation
import Glibc
import ImageCodecs
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

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }

        func said() throws -> String { try String(contentsOf: errors, encoding: .utf8) }

        /// Whether something comes to be while the command runs; false after two minutes, which only a failure takes.
        func comes(_ condition: () throws -> Bool) rethrows -> Bool {
            for _ in 0..<12_000 where process.isRunning {
                if try condition() { return true }
                usleep(10_000)
            }
            return false
        }

        /// Whether it ends, within two minutes.
        func ends() -> Bool {
            for _ in 0..<12_000 where process.isRunning { usleep(10_000) }
            return !process.isRunning
        }

        /// Whether it ended as a cancelled command does.
        func wasCancelled(by number: Int32) throws -> Bool {
            try ends() && process.terminationReason == .exit && process.terminationStatus == 128 + number
                && said().hasSuffix("mica: cancelled; nothing was written\n")
        }

        /// Sends the signal again and again, since one may come before somebody waits for it, until the command ends;
        /// false if it does not.
        func ends(by number: Int32) -> Bool {
            for _ in 0..<1200 where process.isRunning {
                kill(process.processIdentifier, number)
                usleep(50_000)
            }
            return !process.isRunning
        }
    }

    /// One is enough between two blocks, whichever it is.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aSignalCancels(_ number: Int32) throws {
        let folder = try TemporaryFolder()
        let command = try Running(
            DecomposeCommandTests.quick + ["--steps", "1000", "-o", folder.path("new/out")], in: folder)
        #expect(try command.comes { try command.said().contains("denoising") })
        kill(command.process.processIdentifier, number)
        #expect(try command.wasCancelled(by: number))
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
        let map = try #require(Self.pipe(folder.path("map"), to: command))
        defer { close(map) }
        #expect(try folder.contents("new") == ["out"])
        #expect(command.ends(by: SIGINT))
        #expect(command.process.terminationReason == .exit && command.process.terminationStatus == 128 + SIGINT)
        #expect(try folder.contents() == ["errors", "map"])
    }

    /// A pipe that the command reads, opened for writing once it does.
    private static func pipe(_ path: String, to command: Running) -> Int32? {
        var descriptor: Int32 = -1
        let isRead = command.comes {
            descriptor = open(path, O_WRONLY | O_NONBLOCK)
            return descriptor >= 0
        }
        return isRead ? descriptor : nil
    }

    /// Between two pictures. The layers are pipes, so that the command reads when it is let, and there are enough of
    /// them for a signal that is late.
    @Test func fittingIsCancelled() throws {
        let folder = try TemporaryFolder()
        let picture = folder.path("picture.png")
        let png = try PNGEncoder.encode(PixelBuffer(width: 8, height: 8, red: 9, alpha: 255))
        try Data(png).write(to: URL(fileURLWithPath: picture))
        let pipes = (10..<26).map { folder.path("\($0)") }
        for pipe in pipes { #expect(mkfifo(pipe, 0o600) == 0) }
        let command = try Running(["fit", picture] + pipes + ["-o", folder.path("new/out")], in: folder)
        for pipe in pipes {
            guard let descriptor = Self.pipe(pipe, to: command) else { break }
            if pipe == pipes[0] { kill(command.process.processIdentifier, SIGINT) }
            usleep(50_000)
            // One that is gone would end this process too.
            if command.process.isRunning { #expect(write(descriptor, png, png.count) == png.count) }
            close(descriptor)
        }
        #expect(try command.wasCancelled(by: SIGINT))
        #expect(try folder.contents().filter { !$0.allSatisfy(\.isNumber) } == ["errors", "picture.png"])
    }

    /// In the middle of the flat picture, which is a large one, of layers that a pipe describes.
    @Test(arguments: ["out.png", "out"]) func recomposingIsCancelled(_ output: String) throws {
        let folder = try TemporaryFolder()
        let pipe = folder.path("layers.json")
        let png = try PNGEncoder.encode(PixelBuffer(width: 8, height: 8, red: 9, alpha: 255))
        try Data(png).write(to: URL(fileURLWithPath: folder.path("a.png")))
        #expect(mkfifo(pipe, 0o600) == 0)
        let command = try Running(["recompose", pipe, "-o", folder.path(output)], in: folder)
        let descriptor = try #require(Self.pipe(pipe, to: command))
        kill(command.process.processIdentifier, SIGINT)
        // The signal has another thread, which has to have its turn.
        usleep(1_000_000)
        let manifest = "{\"width\": 4000, \"height\": 4000, \"layers\": [{\"file\": \"a.png\"}]}"
        if command.process.isRunning {
            #expect(write(descriptor, manifest, manifest.utf8.count) == manifest.utf8.count)
        }
        close(descriptor)
        #expect(try command.wasCancelled(by: SIGINT))
        #expect(try folder.contents() == ["a.png", "errors", "layers.json"])
    }
}
