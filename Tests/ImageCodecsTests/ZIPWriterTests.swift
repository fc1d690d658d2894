import ImageCodecs
import Testing

@Suite("ZIP out")
struct ZIPWriterTests {
    /// One entry as the central directory and its local header have it.
    private struct Entry: Equatable {
        let name: String
        let method: Int
        let flags: Int
        let date: Int
        let crc: UInt32
        let size: Int
        let data: [UInt8]
        let extra: Int
    }

    private func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    private func entries(_ file: [UInt8]) throws -> [Entry] {
        let end = file.count - 22
        try #require(Array(file[end..<end + 4]) == [0x50, 0x4B, 5, 6])
        var offset = number(file, end + 16, 4)
        return try (0..<number(file, end + 10, 2)).map { _ in
            try #require(Array(file[offset..<offset + 4]) == [0x50, 0x4B, 1, 2])
            let nameLength = number(file, offset + 28, 2)
            let local = number(file, offset + 42, 4)
            // Version, flags, method, time, date, sum, sizes and lengths are the same in both places.
            try #require(file[local + 4..<local + 30].elementsEqual(file[offset + 6..<offset + 32]))
            let start = local + 30 + nameLength
            let entry = Entry(
                name: String(decoding: file[offset + 46..<offset + 46 + nameLength], as: UTF8.self),
                method: number(file, offset + 10, 2), flags: number(file, offset + 8, 2),
                date: number(file, offset + 14, 2), crc: UInt32(number(file, offset + 16, 4)),
                size: number(file, offset + 24, 4),
                data: Array(file[start..<start + number(file, offset + 20, 4)]), extra: number(file, local + 28, 2))
            offset += 46 + nameLength
            return entry
        }
    }

    @Test("entries keep order, names and bytes")
    func contents() throws {
        var archive = ZIPWriter()
        let text = Array(String(repeating: "layers and layers ", count: 50).utf8)
        try archive.add("mimetype", Array("image/openraster".utf8))
        try archive.add("manifest.json", text, compression: .deflated)
        try archive.add("ebenen/図層.png", [1, 2, 3])
        try archive.add("empty", [], compression: .deflated)
        try archive.add("short", [7], compression: .deflated)
        let file = archive.finish()
        let list = try entries(file)
        #expect(list.map(\.name) == ["mimetype", "manifest.json", "ebenen/図層.png", "empty", "short"])
        #expect(list.map(\.method) == [0, 8, 0, 0, 0])
        #expect(list.allSatisfy { $0.flags == 0x800 && $0.date == 0x21 && $0.extra == 0 })
        #expect(list.map(\.size) == [16, text.count, 3, 0, 1])
        #expect(list[0].data == Array("image/openraster".utf8))
        #expect(list[1].data.count < 60)
        #expect(list[1].crc == crc32(text))
        #expect(list[2].data == [1, 2, 3])
        #expect(list[2].crc == crc32([1, 2, 3]))
        #expect(Array(file[0..<4]) == [0x50, 0x4B, 3, 4])
        #expect(Array(file[30..<38]) == Array("mimetype".utf8))
    }

    @Test("the same entries give the same bytes")
    func deterministic() throws {
        func archive() throws -> [UInt8] {
            var archive = ZIPWriter()
            try archive.add("a.png", [1, 2, 3])
            try archive.add("b.json", Array("{}".utf8), compression: .deflated)
            return archive.finish()
        }
        #expect(try archive() == archive())
        var empty = ZIPWriter()
        #expect(try entries(empty.finish()).isEmpty)
    }

    @Test func isEmptyAfterItWasFinished() throws {
        var archive = ZIPWriter()
        try archive.add("a.png", [1, 2, 3])
        let file = archive.finish()
        #expect(try entries(archive.finish()).isEmpty)
        try archive.add("a.png", [1, 2, 3])
        #expect(archive.finish() == file)
    }

    private static let badNames = ["", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "a\u{1}b", "dir/", "./a"]

    @Test("names that could leave the folder are refused", arguments: badNames)
    func refusesNames(_ name: String) throws {
        var archive = ZIPWriter()
        #expect(throws: ImageError.self) { try archive.add(name, [1]) }
        #expect(try entries(archive.finish()).isEmpty)
    }

    @Test("a name is used once")
    func refusesDuplicates() throws {
        var archive = ZIPWriter()
        try archive.add("a", [1])
        let error = ImageError.invalidName("a", reason: "the archive has it already")
        #expect(throws: error) { try archive.add("a", [2]) }
        #expect(try entries(archive.finish()).map(\.data) == [[1]])
    }
}
