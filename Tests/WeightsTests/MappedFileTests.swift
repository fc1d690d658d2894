import Foundation
import Glibc
import Testing
import Weights

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
