import Foundation
import Glibc
import Testing

@testable import Weights

@Suite struct MappedFileTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    @Test func lendsTheBytes() throws {
        let file = try MappedFile(file: folder.write("abc", as: "a"))
        #expect(file.byteCount == 3)
        #expect(file.withUnsafeBytes { Array($0) } == Array("abc".utf8))
    }

    @Test func bytesStayAfterTheFileIsRemoved() throws {
        let url = try folder.write("abc", as: "a")
        let file = try MappedFile(file: url)
        try FileManager.default.removeItem(at: url)
        #expect(file.withUnsafeBytes { Array($0) } == Array("abc".utf8))
    }

    @Test func whatIsNoFileIsRefused() throws {
        try folder.write("", as: "empty")
        try folder.write("", as: "folder/file")
        #expect(mkfifo(folder.url.appending(path: "pipe").path, 0o600) == 0)
        try FileManager.default.createSymbolicLink(
            atPath: folder.url.appending(path: "dangling").path, withDestinationPath: "nowhere")
        let expected: [(String, WeightsError)] = [
            ("missing", .fileMissing(file: "x")), ("empty", .emptyFile(file: "x")),
            ("folder", .notRegularFile(file: "x")), ("pipe", .notRegularFile(file: "x")),
            ("dangling", .fileMissing(file: "x")), ("empty/below", .fileMissing(file: "x")),
        ]
        for (name, error) in expected {
            #expect(throws: error, "\(name)") { try MappedFile(file: folder.url.appending(path: name), name: "x") }
        }
        #expect(throws: WeightsError.notRegularFile(file: "/dev/zero")) {
            try MappedFile(file: URL(filePath: "/dev/zero"))
        }
    }

    @Test func theSystemsReasonIsTold() throws {
        let long = String(repeating: "n", count: 300)
        let error = #expect(throws: WeightsError.self) {
            try MappedFile(file: folder.url.appending(path: long), name: "long")
        }
        #expect(error?.description == "cannot open long: File name too long")
    }
}

/// Reads beside the mapping, by way of the system's cache and past it.
@Suite struct MappedFileReadTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    /// Any range into memory of any phase gives the file's bytes.
    @Test(arguments: [true, false], [0, 8, 100, 4095])
    func rangesAreRead(_ isDirect: Bool, _ phase: Int) throws {
        let count = 5 * 4096 + 123
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let url = folder.url.appending(path: "a")
        try Data(bytes).write(to: url)
        let file = try MappedFile(file: url)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 8192, alignment: 4096)
        defer { memory.deallocate() }
        for range in [0..<count, 1..<2, 0..<0, phase..<count, 4096..<8192, 4000..<13000, 100..<4096, 4097..<count] {
            let start = range.lowerBound % 4096 + phase
            let target = UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + range.count)])
            try file.read(range, into: target, isDirect: isDirect)
            #expect(target.elementsEqual(bytes[range]), "\(range)")
        }
    }

    @Test(arguments: [true, false]) func aFileThatBecameShorterIsAnError(_ isDirect: Bool) throws {
        let url = folder.url.appending(path: "a")
        try Data(repeating: 1, count: 3 * 4096).write(to: url)
        let file = try MappedFile(file: url)
        #expect(truncate(url.path, 4100) == 0)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * 4096, alignment: 4096)
        defer { memory.deallocate() }
        #expect(throws: WeightsError.truncated(file: url.path, expectedBytes: 3 * 4096, foundBytes: 4100)) {
            try file.read(0..<(3 * 4096), into: memory, isDirect: isDirect)
        }
    }
}
