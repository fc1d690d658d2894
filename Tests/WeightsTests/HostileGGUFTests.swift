import Foundation
import TensorCore
import Testing
import Weights

/// GGUF files that break the format: each is refused with one line that names the file, none ends the process.
@Suite struct HostileGGUFTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    /// A file's bytes, put together piece by piece.
    struct File: Sendable {
        var bytes: [UInt8] = []

        mutating func add<T: FixedWidthInteger>(_ number: T) {
            bytes += (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * T($0))) }
        }

        mutating func add(_ text: String) {
            add(UInt64(text.utf8.count))
            bytes += Array(text.utf8)
        }

        /// Four letters, version and counts.
        static func begin(version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0) -> File {
            var file = File(bytes: Array("GGUF".utf8))
            file.add(version)
            file.add(tensors)
            file.add(keys)
            return file
        }

        /// A key and the number of its value's kind; the value is to follow.
        func key(_ name: String, _ kind: UInt32) -> File {
            var file = self
            file.add(name)
            file.add(kind)
            return file
        }

        func then<T: FixedWidthInteger>(_ numbers: T...) -> File {
            var file = self
            for number in numbers { file.add(number) }
            return file
        }

        func then(_ text: String) -> File {
            var file = self
            file.add(text)
            return file
        }

        /// What the header says of a tensor; extents innermost first.
        func tensor(_ name: String, _ extents: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) -> File {
            var file = self
            file.add(name)
            file.add(UInt32(extents.count))
            for extent in extents { file.add(extent) }
            file.add(type)
            file.add(offset)
            return file
        }

        func data(_ count: Int, alignment: Int = 32) -> File {
            var file = self
            while file.bytes.count % alignment != 0 { file.bytes.append(0) }
            file.bytes += [UInt8](repeating: 1, count: count)
            return file
        }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let file: File

        init(_ file: File, says message: String) {
            testDescription = message
            self.file = file
        }
    }

    private static func one(_ extents: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) -> File {
        File.begin(tensors: 1).tensor("a", extents, type: type, offset: offset).data(64)
    }

    private static let original = "comfy.gguf.orig_shape.a"

    static let headers: [Case] = [
        Case(File(bytes: Array("GGML\u{3}\0\0\0".utf8)), says: "does not begin with 'GGUF'"),
        Case(File(bytes: Array("<!DOCTYPE html>".utf8)), says: "does not begin with 'GGUF'"),
        Case(File.begin(version: 1), says: "its version is 1"),
        Case(File.begin(version: 4), says: "its version is 4"),
        Case(File.begin(version: UInt32(3).byteSwapped), says: "the other byte order"),
        Case(File.begin(tensors: .max), says: "18446744073709551615 tensors, and at most 100000"),
        Case(File.begin(keys: 100_001), says: "100001 keys, and at most 100000"),
        Case(File.begin(tensors: 1), says: "ends in its header"),
    ]

    static let keys: [Case] = [
        Case(File.begin(keys: 1).then(UInt64.max), says: "ends in its header"),
        Case(File.begin(keys: 1).key("", 0).then(UInt8(1)), says: "empty or not UTF-8"),
        Case(File.begin(keys: 1).then(UInt64(2)).then(UInt16.max), says: "empty or not UTF-8"),
        Case(File.begin(keys: 1).key(String(repeating: "k", count: 1025), 0), says: "1025 bytes in a name"),
        Case(File.begin(keys: 1).key("k", 13), says: "of 'k' is of the unknown kind 13"),
        Case(File.begin(keys: 1).key("k", .max), says: "unknown kind 4294967295"),
        Case(File.begin(keys: 1).key("k", 8).then(UInt64.max), says: "ends in its header"),
        Case(File.begin(keys: 1).key("k", 8).then(UInt64(1)).then(UInt8.max), says: "not UTF-8"),
        Case(File.begin(keys: 1).key("k", 9).then(UInt32(13)).then(UInt64(1)), says: "unknown kind 13"),
        Case(File.begin(keys: 1).key("k", 9).then(UInt32(6)).then(UInt64.max), says: "elements in a list"),
        Case(File.begin(keys: 1).key("k", 9).then(UInt32(12)).then(UInt64(1 << 26)), says: "ends in its header"),
        Case(File.begin(keys: 1).key("k", 9).then(UInt32(8)).then(UInt64(1 << 26)), says: "ends in its header"),
        Case(
            (0..<100_000).reduce(into: File.begin(keys: 1).key("k", 9)) { file, _ in
                file.add(UInt32(9))
                file.add(UInt64(1))
            }, says: "'k' has lists more than 4 deep"),
        Case(
            File.begin(keys: 2).key("k", 0).then(UInt8(1)).key("k", 0).then(UInt8(1)), says: "'k' stands in it twice"),
        Case(
            File.begin(keys: 1).key("general.alignment", 4).then(UInt32(0)), says: "general.alignment is 0"),
        Case(File.begin(keys: 1).key("general.alignment", 4).then(UInt32(24)), says: "general.alignment is 24"),
        Case(File.begin(keys: 1).key("general.alignment", 5).then(Int32(-32)), says: "general.alignment is -32"),
        Case(File.begin(keys: 1).key("general.alignment", 4).then(UInt32(1 << 17)), says: "up to 65536"),
        Case(File.begin(keys: 1).key("split.count", 2).then(UInt16(3)), says: "one of 3 parts"),
    ]

    static let tensors: [Case] = [
        Case(File.begin(tensors: 1).tensor("a", [0]), says: "ends in its header"),
        Case(one([1, 1, 1, 1, 1]), says: "5 axes in 'a', and at most 4"),
        Case(one([1], type: 17), says: "'a' is IQ2_XS, which is not read; take a file of F32, F16, BF16, Q4_0"),
        Case(one([1], type: 4000), says: "'a' is number 4000"),
        Case(one([.max]), says: "size cannot be counted"),
        Case(one([1 << 63]), says: "size cannot be counted"),
        Case(one([1 << 32, 1 << 32]), says: "size cannot be counted"),
        Case(one([48, 2], type: 8), says: "'a' is Q8_0, whose blocks of 32 do not divide its rows of 48"),
        Case(one([64, 3], type: 12), says: "'a' is Q4_K, whose blocks of 256 do not divide its rows of 64"),
        Case(one([], type: 2), says: "whose blocks of 32 do not divide its rows of 1"),
        Case(one([2], offset: 4), says: "begins at 4, which is no multiple of 32"),
        Case(one([17]), says: "'a' ends at byte 132, but the file has 128"),
        Case(one([1], offset: 1 << 40), says: "but the file has 128"),
        Case(one([1], offset: .max - 31), says: "ends at byte 18446744073709551615"),
        Case(
            File.begin(tensors: 2).tensor("a", [16]).tensor("b", [1], offset: 32).data(64),
            says: "'a' and 'b' share bytes"),
        Case(
            File.begin(tensors: 2).tensor("a", [1]).tensor("a", [1], offset: 32).data(64),
            says: "'a' stands in it twice"),
        Case(
            File.begin(tensors: 1, keys: 1).key(original, 9).then(UInt32(5)).then(UInt64(1)).then(Int32(-4))
                .tensor("a", [4]).data(64), says: "'a' is stored as [4]"),
        Case(
            File.begin(tensors: 1, keys: 1).key(original, 9).then(UInt32(5)).then(UInt64(1)).then(Int32(5))
                .tensor("a", [4]).data(64), says: "'a' is stored as [4]"),
        Case(
            File.begin(tensors: 1, keys: 1).key(original, 4).then(UInt32(4)).tensor("a", [4]).data(64),
            says: "'a' is stored as [4]"),
        Case(
            File.begin(tensors: 1, keys: 1).key(original, 9).then(UInt32(5)).then(UInt64(2)).then(Int32(2), 16)
                .tensor("a", [32], type: 8).data(64), says: "do not divide its rows of 16"),
    ]

    @Test(arguments: headers + keys + tensors)
    func isRefused(_ hostile: Case) throws {
        let url = try folder.write(hostile.file.bytes, as: "hostile.gguf")
        let error = #expect(throws: WeightsError.self) { try GGUFFile(file: url, name: "transformer/hostile.gguf") }
        let description = error?.description ?? ""
        #expect(description.contains(hostile.testDescription), "\(description)")
        #expect(description.hasPrefix("transformer/hostile.gguf ") && !description.contains("\n"))
    }

    /// A file that is cut at any place is refused, and the whole one is read.
    @Test func everyTruncationIsRefused() throws {
        let whole = Self.small.bytes
        for count in 1..<whole.count {
            let url = try folder.write(Array(whole[..<count]), as: "cut.gguf")
            #expect(throws: WeightsError.self, "cut at \(count)") { try GGUFFile(file: url) }
        }
        let file = try GGUFFile(file: folder.write(whole, as: "whole.gguf"))
        #expect(file.names == ["a", "b"] && file.architecture == "qwen_image")
        #expect(try file.tensor(named: "a").shape == [3, 2] && file.tensor(named: "b").shape == [2, 32])
    }

    /// Whatever a changed byte makes of the header, the file is refused, or all that it promises can be read.
    @Test func everyChangedByteIsSurvived() throws {
        var generator = SeededGenerator(state: 20_261_126)
        let whole = Self.small.bytes
        var accepted = 0
        for position in 0..<(whole.count - Self.smallDataBytes) {
            for round in 0..<6 {
                var mutant = whole
                let values: [UInt8] = [0, 0xFF, 0x80, whole[position] ^ 1, whole[position] &+ 1]
                mutant[position] = round < values.count ? values[round] : .random(in: 0...255, using: &generator)
                guard let file = try? GGUFFile(file: folder.write(mutant, as: "mutant.gguf")) else { continue }
                accepted += 1
                for name in file.names {
                    let tensor = try file.tensor(named: name)
                    #expect(tensor.byteOffset >= 24 && tensor.byteOffset + tensor.byteCount <= whole.count)
                }
            }
        }
        // Changes of a name or of a text leave a valid file.
        #expect(accepted > 0)
    }

    private static let smallDataBytes = 32 + 68
    private static let small = File.begin(tensors: 2, keys: 4)
        .key("general.architecture", 8).then("qwen_image")
        .key("list", 9).then(UInt32(9)).then(UInt64(2)).then(UInt32(8)).then(UInt64(1)).then("x")
        .then(UInt32(4)).then(UInt64(2)).then(UInt32(7), 8)
        .key("general.alignment", 4).then(UInt32(32))
        .key("comfy.gguf.orig_shape.a", 9).then(UInt32(5)).then(UInt64(2)).then(Int32(3), 2)
        .tensor("a", [6]).tensor("b", [32, 2], type: 8, offset: 32).data(smallDataBytes)
}
