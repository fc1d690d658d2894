import ImageCodecs
import Testing

@Suite("ZIP in")
struct ZIPReaderTests {
    private static let limit = 1 << 20

    private static func archive() throws -> [UInt8] {
        var writer = ZIPWriter()
        try writer.add("mimetype", Array("image/openraster".utf8))
        try writer.add("a/b 図.txt", Array(String(repeating: "layers ", count: 40).utf8), compression: .deflated)
        try writer.add("empty", [])
        return writer.finish()
    }

    /// The offset of a signature.
    private static func place(_ signature: [UInt8], _ file: [UInt8], last: Bool = false) throws -> Int {
        let places = file.indices.dropLast(3).filter { file[$0..<$0 + 4].elementsEqual(signature) }
        return try #require(last ? places.last : places.first)
    }

    /// Why the archive, one of its files or `name` is not read.
    private static func refusal(_ file: [UInt8], _ name: String? = nil) -> String? {
        do {
            let archive = try ZIPReader(file)
            if let name { _ = try archive.read(name, limit: limit) }
            for name in archive.names { _ = try archive.read(name, limit: limit) }
            return nil
        } catch {
            return error.description
        }
    }

    @Test("what is written comes back")
    func roundTrip() throws {
        let archive = try ZIPReader(Self.archive())
        #expect(archive.names == ["mimetype", "a/b 図.txt", "empty"])
        #expect(try archive.read("mimetype", limit: 16) == Array("image/openraster".utf8))
        #expect(try archive.read("a/b 図.txt", limit: 280).count == 280)
        #expect(try archive.read("empty", limit: 0).isEmpty)
        #expect(throws: ImageError.inputTooLarge(byteCount: 280, limit: 279)) {
            try archive.read("a/b 図.txt", limit: 279)
        }
        #expect(throws: ImageError.self) { try archive.read("other", limit: 1) }
    }

    @Test("a comment at the end, if it is as long as it says")
    func comment() throws {
        var file = try Self.archive()
        file[file.count - 2] = 5
        #expect(Self.refusal(file) != nil)
        #expect(Self.refusal(file + Array("hello".utf8)) == nil)
        #expect(Self.refusal(file + Array("hello!".utf8)) != nil)
    }

    @Test(
        "names that could leave the folder",
        arguments: ["../evil.png", "/etc/passwd", "a/../../b", "a\\b", "C:evil", "a//b", "./a", "a\u{1}b", "a/.."])
    func names(_ name: String) throws {
        var writer = ZIPWriter()
        let harmless = String(repeating: "x", count: name.utf8.count)
        try writer.add(harmless, [1, 2, 3])
        var file = writer.finish()
        for place in file.indices.dropLast(harmless.utf8.count)
        where file[place..<place + harmless.utf8.count].elementsEqual(harmless.utf8) {
            file.replaceSubrange(place..<place + harmless.utf8.count, with: name.utf8)
        }
        let text = try #require(Self.refusal(file, name))
        #expect(text.contains("relative paths"))
        #expect(try ZIPReader(file).names.isEmpty)
        #expect(!text.contains("\n") && !text.contains("\u{1}"))
    }

    /// An archive of three files whose names are then made others of the same length.
    private static func renamed(_ names: [(String, [UInt8])]) throws -> [UInt8] {
        var writer = ZIPWriter()
        try writer.add("wanted", [1, 2, 3])
        for (name, _) in names { try writer.add(name, [4, 5]) }
        var file = writer.finish()
        for (name, other) in names {
            for place in file.indices.dropLast(other.count)
            where file[place..<place + other.count].elementsEqual(name.utf8) {
                file.replaceSubrange(place..<place + other.count, with: other)
                if String(validating: other, as: UTF8.self) == nil {
                    // Bit 11, which says that the name is UTF-8.
                    let isLocal = file[place - 30..<place - 26].elementsEqual([0x50, 0x4B, 3, 4])
                    file[isLocal ? place - 23 : place - 37] = 0
                }
            }
        }
        return file
    }

    @Test("names of other systems, and files that nobody asks for")
    func strangers() throws {
        // "für.txt" in code page 437, "notes 12:30", and what leaves the folder.
        let archive = try ZIPReader(
            Self.renamed([
                ("cp437__", [0x66, 0x81, 0x72, 0x2E, 0x74, 0x78, 0x74]), ("colon______", Array("notes 12:30".utf8)),
                ("outside", Array("../../a".utf8)),
            ]))
        #expect(try archive.read("wanted", limit: 9) == [1, 2, 3])
        #expect(try archive.read("für.txt", limit: 9) == [4, 5])
        for name in ["notes 12:30", "../../a"] {
            let error = #expect(throws: ImageError.self) { try archive.read(name, limit: 9) }
            #expect(error?.description.contains("relative paths") == true)
        }
        // A link that nobody follows, as the directory of an archive of Unix has it.
        var file = try Self.archive()
        let last = try Self.place([0x50, 0x4B, 1, 2], file, last: true)
        file[last + 5] = 3
        file[last + 41] = 0xA1
        #expect(try ZIPReader(file).read("mimetype", limit: 99).count == 16)
        #expect(Self.refusal(file, "empty")?.contains("links") == true)
    }

    @Test("what is not read takes nothing, whatever its size")
    func largeStrangers() throws {
        // Two that are compressed in a way that is not known here, of nearly 4 GB each.
        var file = try Self.archive()
        let entries = file.indices.dropLast(3).filter { file[$0..<$0 + 4].elementsEqual([0x50, 0x4B, 1, 2]) }
        let locals = file.indices.dropLast(3).filter { file[$0..<$0 + 4].elementsEqual([0x50, 0x4B, 3, 4]) }
        try #require(entries.count == 3 && locals.count == 3)
        for place in 1...2 {
            file[entries[place] + 10] = 12
            file[locals[place] + 8] = 12
            for byte in 0..<4 {
                file[entries[place] + 24 + byte] = byte == 3 ? 0xF0 : 0
                file[locals[place] + 22 + byte] = byte == 3 ? 0xF0 : 0
            }
        }
        #expect(try ZIPReader(file).read("mimetype", limit: 99).count == 16)
    }

    @Test("sizes in the 64-bit extension of a local header, which writers may use for any")
    func longSizes() throws {
        var writer = ZIPWriter()
        try writer.add("a", [7, 8, 9])
        let file = writer.finish()
        let directory = try Self.place([0x50, 0x4B, 1, 2], file)
        func long(_ size: UInt8, id: UInt8 = 1) -> [UInt8] {
            let extra: [UInt8] = [id, 0, 16, 0, size, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
            var long = file
            // The directory is later by what is put before it.
            long[file.count - 6] += UInt8(extra.count)
            long[28] = UInt8(extra.count)
            for place in 18..<26 { long[place] = 0xFF }
            long.insert(contentsOf: extra, at: 31)
            #expect(long.count == file.count + extra.count && directory < 200)
            return long
        }
        #expect(try ZIPReader(long(3)).read("a", limit: 9) == [7, 8, 9])
        #expect(Self.refusal(long(4))?.contains("directory says") == true)
        #expect(Self.refusal(long(3, id: 2))?.contains("64-bit") == true)
    }

    @Test("a name twice")
    func duplicates() throws {
        var writer = ZIPWriter()
        try writer.add("same1", [1])
        try writer.add("same2", [2])
        var file = writer.finish()
        for place in file.indices.dropLast(5) where file[place..<place + 5].elementsEqual("same2".utf8) {
            file[place + 4] = 0x31
        }
        #expect(Self.refusal(file)?.contains("twice") == true)
    }

    @Test("entries that overlap: one archive's data quoted by two entries")
    func overlap() throws {
        var writer = ZIPWriter()
        try writer.add("one", Array("the same bytes".utf8))
        try writer.add("two", Array("the same bytes".utf8))
        var file = writer.finish()
        // The second directory entry points at the first local header, which does not even have its name.
        let second = try Self.place([0x50, 0x4B, 1, 2], file, last: true)
        for index in 0..<4 { file[second + 42 + index] = 0 }
        #expect(Self.refusal(file)?.contains("overlap") == true)
    }

    @Test("sizes and sums that are not true")
    func lies() throws {
        let file = try Self.archive()
        let directory = try Self.place([0x50, 0x4B, 1, 2], file)
        let second = try Self.place([0x50, 0x4B, 1, 2], Array(file[(directory + 1)...])) + directory + 1
        func altered(_ changes: [(Int, UInt8)]) -> [UInt8] {
            var file = file
            for (place, value) in changes { file[place] = value }
            return file
        }
        // Unpacked size: beyond what the packed bytes can become, then just wrong, in both places.
        let local = try Self.place([0x50, 0x4B, 3, 4], Array(file[1...])) + 1
        #expect(Self.refusal(altered([(second + 26, 0xFF)]))?.contains("as large as it says") == true)
        #expect(Self.refusal(altered([(second + 24, 0x19), (local + 22, 0x19)]))?.contains("sum") == true)
        #expect(Self.refusal(altered([(second + 24, 0x19)]))?.contains("directory says") == true)
        #expect(Self.refusal(altered([(local + 40, file[local + 40] ^ 1)])) != nil)
        let name = "a/b 図.txt"
        // Encrypted, an unknown method, a link.
        #expect(Self.refusal(altered([(second + 8, 1), (local + 6, 1)]), name)?.contains("encryption") == true)
        #expect(Self.refusal(altered([(second + 10, 12), (local + 8, 12)]), name)?.contains("compression 12") == true)
        #expect(Self.refusal(altered([(second + 41, 0xA1)]), name)?.contains("links") == true)
    }

    @Test("cut off anywhere: an error")
    func truncated() throws {
        let file = try Self.archive()
        for cut in 0..<file.count { #expect(Self.refusal(Array(file[..<cut])) != nil, "\(cut)") }
    }

    @Test("altered anywhere: an error or an archive")
    func mutated() throws {
        mutate(try Self.archive(), count: 2_000, seed: 3) { (altered) throws(ImageError) in
            let archive = try ZIPReader(altered)
            for name in archive.names { _ = try archive.read(name, limit: Self.limit) }
        }
    }
}
