import Foundation
import ImageCodecs
import Testing

/// Files cut off and altered at will: an error or a picture, never a crash and never a picture of half a file.
@Suite("Hostile input")
struct HostileInputTests {
    /// Small limits, so that an altered header cannot make the test allocate much.
    private static let options = DecodeOptions(maximumPixels: 100_000, maximumSide: 4_096)

    /// Where a cut loses nothing of the picture: WebP's odd chunks end in a byte of padding, JPEGs of one scan in a
    /// marker of two.
    private static func harmlessTail(_ file: String) -> Int {
        file.hasSuffix(".webp") ? 1 : file.hasSuffix(".jpg") && !file.contains("progressive") ? 2 : 0
    }

    @Test(
        "a JPEG of one scan without its last marker is whole",
        arguments: DecodeCase.all.filter { $0.file.hasSuffix(".jpg") })
    func withoutLastMarker(_ fixture: DecodeCase) throws {
        let bytes = try Fixture.bytes("decode/" + fixture.file)
        #expect(bytes.suffix(2) == [0xFF, 0xD9])
        for cut in 1...2 {
            let part = Array(bytes.dropLast(cut))
            if Self.harmlessTail(fixture.file) > 0 {
                #expect(try ImageDecoder.decode(part).pixels == ImageDecoder.decode(bytes).pixels)
            } else {
                #expect(throws: ImageError.truncated(.jpeg)) { try ImageDecoder.decode(part) }
            }
        }
        // Every byte of the pixels counts.
        #expect(throws: ImageError.self) { try ImageDecoder.decode(Array(bytes.dropLast(3))) }
    }

    @Test("cut off anywhere: an error", arguments: DecodeCase.all)
    func truncated(_ fixture: DecodeCase) throws {
        let bytes = try Fixture.bytes("decode/" + fixture.file)
        let last = bytes.count - Self.harmlessTail(fixture.file)
        let offsets = Array(0..<min(64, last)) + Array(stride(from: 64, to: last, by: 7)) + [last - 1]
        for offset in offsets {
            #expect(throws: ImageError.self, "cut at \(offset) of \(bytes.count)") {
                try ImageDecoder.decode(Array(bytes[..<offset]), options: Self.options)
            }
        }
    }

    @Test("altered anywhere: an error or a picture", arguments: DecodeCase.all)
    func mutated(_ fixture: DecodeCase) throws {
        let bytes = try Fixture.bytes("decode/" + fixture.file)
        var random = SeededGenerator(seed: UInt64(fixture.crc) | 1)
        for _ in 0..<60 {
            var altered = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<altered.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: altered[place] = UInt8.random(in: 0...255, using: &random)
                case 1: altered[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: altered.remove(at: place)
                default: altered.insert(0xFF, at: place)
                }
            }
            do {
                let image = try ImageDecoder.decode(altered, options: Self.options)
                #expect(image.pixels.bytes.count == image.pixels.width * image.pixels.height * 4)
            } catch {
                #expect(!error.description.contains("\n"))
            }
        }
    }

    /// PNG guards every chunk by a sum; with the sums repaired the alterations reach the inner parsers.
    @Test("altered chunks with right sums", arguments: DecodeCase.all.filter { $0.file.hasSuffix(".png") })
    func mutatedChunks(_ fixture: DecodeCase) throws {
        let bytes = try Fixture.bytes("decode/" + fixture.file)
        var random = SeededGenerator(seed: UInt64(fixture.crc) ^ 0xABCD)
        for _ in 0..<40 {
            var altered = bytes
            let place = Int.random(in: 16..<altered.count, using: &random)
            altered[place] = UInt8.random(in: 0...255, using: &random)
            repairSums(&altered)
            do {
                let image = try ImageDecoder.decode(altered, options: Self.options)
                #expect(image.pixels.bytes.count == image.pixels.width * image.pixels.height * 4)
            } catch {
                #expect(!error.description.contains("\n"))
            }
        }
    }

    /// libpng takes memory for a chunk by what the chunk says: 2 GB for a file of 100 bytes, found by fuzzing. In a
    /// process of its own, since the memory of other tests in this one comes and goes.
    @Test("a chunk longer than its file takes no memory")
    func lyingChunks() async {
        await #expect(processExitsWith: .success) { try HostileInputTests.checkLyingChunks() }
    }

    private static func checkLyingChunks() throws {
        let header = try Array(Fixture.bytes("decode/rgb8.png").prefix(33))
        for name in ["eXIf", "iCCP", "tEXt", "zTXt", "iTXt", "sPLT", "PLTE", "tRNS", "hIST", "IDAT", "abCd"] {
            let before = peakOfAddresses
            for length in [UInt32(Int32.max), 1 << 30, 100] {
                let place = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
                let bytes = header + place + Array(name.utf8) + [UInt8](repeating: 1, count: 60)
                #expect(throws: ImageError.truncated(.png)) { try ImageDecoder.decode(bytes, options: options) }
            }
            #expect(peakOfAddresses < before + 1 << 19, "\(name), in KiB; it was \(before)")
        }
    }

    /// The most address space that this process ever had, in KiB.
    private static var peakOfAddresses: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    private func repairSums(_ bytes: inout [UInt8]) {
        var offset = 8
        while offset + 12 <= bytes.count {
            let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            guard offset + 12 + length <= bytes.count else { return }
            let sum = crc32(Array(bytes[offset + 4..<offset + 8 + length]))
            for index in 0..<4 {
                bytes[offset + 8 + length + index] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32(index)))
            }
            offset += 12 + length
        }
    }
}

/// SplitMix64: the same numbers every time.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
