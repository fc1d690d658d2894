import Foundation
import TensorCore
import Testing
import Weights

/// Files that break the format: each is refused with an error that names the file, none ends the process.
@Suite struct HostileSafetensorsTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    /// A header, its data, and what the refusal must say.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let file: [UInt8]
        let message: String

        init(_ header: String, bytes: Int = 4, says message: String) {
            testDescription = String(header.prefix(80))
            file = safetensors(header: header, data: Array(repeating: 0, count: bytes))
            self.message = message
        }

        init(file: [UInt8], _ description: String, says message: String) {
            testDescription = description
            self.file = file
            self.message = message
        }
    }

    private static func tensor(
        _ dtype: String = "F32", _ shape: String = "[1]", _ offsets: String = "[0,4]"
    ) -> String {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    static let shapes: [Case] = [
        Case(#"{"a":\#(tensor("F32", "[-1]"))}"#, says: "not negative"),
        Case(#"{"a":\#(tensor("F32", "[1.0]"))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", "[1e3]"))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", "[01]"))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", "[+1]"))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", #"["1"]"#))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", "[null]"))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", "[9223372036854775808]"))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", "[99999999999999999999999999]"))}"#, says: "whole number"),
        Case(#"{"a":\#(tensor("F32", "[9223372036854775807]"))}"#, says: "cannot be counted"),
        Case(#"{"a":\#(tensor("F32", "[4294967296,4294967296]"))}"#, says: "cannot be counted"),
        Case(#"{"a":\#(tensor("F32", "[3037000500,3037000500,0]"))}"#, says: "cannot be counted"),
        Case(#"{"a":\#(tensor("F32", "[1,]"))}"#, says: "unexpected byte"),
        Case(#"{"a":\#(tensor("F32", "[1 1]"))}"#, says: "unexpected byte"),
        Case(#"{"a":\#(tensor("F32", "1"))}"#, says: "an array"),
        Case(#"{"a":\#(tensor("F32", "{}"))}"#, says: "an array"),
        Case(#"{"a":\#(tensor("F32", "[" + String(repeating: "1,", count: 16) + "1]"))}"#, says: "more than 16"),
        Case(#"{"a":\#(tensor("F32", "[2]"))}"#, says: "takes 4 bytes, but its dtype and shape need 8"),
    ]

    static let offsets: [Case] = [
        Case(#"{"a":\#(tensor("F32", "[1]", "[4,0]"))}"#, says: "data_offsets [4, 0]"),
        Case(#"{"a":\#(tensor("F32", "[1]", "[4]"))}"#, says: "data_offsets [4]"),
        Case(#"{"a":\#(tensor("F32", "[1]", "[]"))}"#, says: "data_offsets []"),
        Case(#"{"a":\#(tensor("F32", "[1]", "[0,4,8]"))}"#, says: "more than 2"),
        Case(#"{"a":\#(tensor("F32", "[1]", "[-4,0]"))}"#, says: "not negative"),
        Case(#"{"a":\#(tensor("F32", "[1]", "[4,8]"))}"#, bytes: 8, says: "begins at byte 4 of the data instead of 0"),
        Case(#"{"a":\#(tensor()),"b":\#(tensor("F32", "[1]", "[5,9]"))}"#, bytes: 9, says: "instead of 4"),
        Case(#"{"a":\#(tensor()),"b":\#(tensor())}"#, says: "share bytes"),
        Case(
            #"{"a":\#(tensor("U8", "[6]", "[0,6]")),"b":\#(tensor("U8", "[1]", "[2,3]"))}"#, bytes: 6,
            says: "share bytes"),
        Case(#"{"a":\#(tensor("F32", "[4]", "[0,16]"))}"#, says: "cut short"),
        Case(
            #"{"a":\#(tensor("U8", "[9223372036854775]", "[0,9223372036854775]"))}"#,
            says: "9223372036854866 bytes are expected"),
        Case(
            #"{"a":\#(tensor("U8", "[0]", "[9223372036854775807,9223372036854775807]"))}"#,
            says: "begins at byte 9223372036854775807"),
        Case(#"{"a":\#(tensor())}"#, bytes: 5, says: "goes on after its last tensor"),
        Case("{}", bytes: 1, says: "goes on after its last tensor"),
        Case(#"{"a":\#(tensor())}"#, bytes: 0, says: "cut short"),
    ]

    /// A file that stores `a` and says in JSON what else is zero.
    private static func zeros(_ json: String) -> String {
        let text = json.replacingOccurrences(of: "\"", with: "\\\"")
        return #"{"__metadata__":{"mica.zeros":"\#(text)"},"a":\#(tensor())}"#
    }

    static let zeroTensors: [Case] = [
        Case(zeros(#"{"a":[1]}"#), says: "'a' is stored, and is said to be zero"),
        Case(zeros(#"{"b":[134217729]}"#), says: "would be 268435458 bytes of zeros; at most 268435456"),
        Case(zeros(#"{"b":[4294967296,4294967296]}"#), says: "bytes of zeros"),
        Case(zeros(#"{"b":[-1]}"#), says: "not negative"),
        Case(zeros(#"{"b":1}"#), says: "an array"),
        Case(zeros(#"{"b":[1],"b":[1]}"#), says: "'b' twice"),
        Case(zeros(#"{"b":[1]"#), says: "ends"),
        Case(zeros(#"{"b":[1]} x"#), says: "unexpected byte"),
        Case(zeros("[]"), says: "an object"),
        Case(zeros(""), says: "ends"),
    ]

    static let members: [Case] = [
        Case(#"{"a":\#(tensor("F31"))}"#, says: "unknown dtype 'F31'"),
        Case(#"{"a":\#(tensor("f32"))}"#, says: "unknown dtype 'f32'"),
        Case(#"{"a":\#(tensor(String(repeating: "F", count: 65)))}"#, says: "more than 64 bytes"),
        Case(#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, says: "no 'dtype'"),
        Case(#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, says: "no 'shape'"),
        Case(#"{"a":{"dtype":"F32","shape":[1]}}"#, says: "no 'data_offsets'"),
        Case(#"{"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}"#, says: "a text"),
        Case(#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, says: "'dtype' twice"),
        Case(#"{"a":\#(tensor()),"a":\#(tensor())}"#, says: "'a' twice"),
        Case(#"{"a":\#(tensor()),"\u0061":\#(tensor())}"#, says: "'a' twice"),
        Case(#"{"a\u0000b":\#(tensor())}"#, says: "control characters"),
        Case(#"{"a\nb":\#(tensor())}"#, says: "control characters"),
        Case(#"{"":\#(tensor())}"#, says: "is empty"),
        Case(#"{"\#(String(repeating: "n", count: 1025))":\#(tensor())}"#, says: "more than 1024 bytes"),
        Case(#"{"a":1}"#, says: "an object"),
        Case(#"{"a":null}"#, says: "an object"),
        Case(#"{"__metadata__":[]}"#, bytes: 0, says: "an object"),
        Case(#"{"__metadata__":{"a":1}}"#, bytes: 0, says: "a text"),
        Case(#"{"__metadata__":{"a":"1","a":"2"}}"#, bytes: 0, says: "'a' twice"),
        Case(#"{"__metadata__":{},"__metadata__":{}}"#, bytes: 0, says: "'__metadata__' twice"),
    ]

    static let syntax: [Case] = [
        Case("", bytes: 0, says: "ends too early"),
        Case("[]", bytes: 0, says: "not with '{'"),
        Case(" {}", bytes: 0, says: "begins with the byte 0x20"),
        Case("{", bytes: 0, says: "ends too early"),
        Case("{}}", bytes: 0, says: "unexpected byte 0x7d at 2"),
        Case("{}\0", bytes: 0, says: "unexpected byte 0x0 at 2"),
        Case("{,}", bytes: 0, says: "a text"),
        Case(#"{"a"}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":\#(tensor()),}"#, says: "unexpected byte"),
        Case(#"{a:\#(tensor())}"#, says: "a text"),
        Case(#"{'a':\#(tensor())}"#, says: "a text"),
        Case("{\"a\nb\":1}", bytes: 0, says: "unexpected byte 0xa"),
        Case(#"{"a\"#, bytes: 0, says: "ends too early"),
        Case(#"{"a\""#, bytes: 0, says: "ends too early"),
        Case(#"{"\x":1}"#, bytes: 0, says: "wrong escape"),
        Case(#"{"\u12":1}"#, bytes: 0, says: "wrong escape"),
        Case(#"{"\uD800":1}"#, bytes: 0, says: "wrong escape"),
        Case(#"{"\uD800\u0041":1}"#, bytes: 0, says: "wrong escape"),
        Case(#"{"\uDC00":1}"#, bytes: 0, says: "wrong escape"),
        Case(#"{"\uD800\u":1}"#, bytes: 0, says: "wrong escape"),
        Case(#"{"a":{"x":tru}}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":{"x":-}}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":{"x":1.}}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":{"x":.5}}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":{"x":1e}}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":{"x":00}}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":{"x":NaN}}"#, bytes: 0, says: "unexpected byte"),
        Case(#"{"a":{"x":"# + String(repeating: "[", count: 100_000), bytes: 0, says: "more than 16 deep"),
        Case(#"{"a":"# + String(repeating: #"{"a":"#, count: 100_000), bytes: 0, says: "more than 16 deep"),
    ]

    static let files: [Case] = [
        Case(file: Array(repeating: 0, count: 7), "7 bytes", says: "8 bytes are expected, 7 are there"),
        Case(file: safetensors(header: "{}", claimedLength: 3), "one too long", says: "11 bytes are expected, 10"),
        Case(file: safetensors(header: "{}", claimedLength: 0), "length 0", says: "ends too early"),
        Case(file: safetensors(header: "{}", claimedLength: 1), "length 1", says: "ends too early"),
        Case(file: safetensors(header: "{}", claimedLength: 1 << 63), "2^63", says: "of 9223372036854775808 bytes"),
        Case(file: safetensors(header: "{}", claimedLength: .max), "2^64 - 1", says: "18446744073709551615"),
        Case(file: safetensors(header: "{}", claimedLength: 100_000_001), "above the cap", says: "at most 100000000"),
        Case(file: safetensors(header: "{}", claimedLength: 100_000_000), "the cap", says: "cut short"),
        Case(file: Array("PK\u{3}\u{4}\0\0\0\0archive/data.pkl".utf8), "a pickle's ZIP", says: "cut short"),
        Case(file: Array("<!DOCTYPE html><html></html>".utf8), "an error page", says: "claims a header"),
        Case(
            file: Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".utf8), "an LFS pointer",
            says: "is only a pointer to a file in Git LFS"),
        Case(file: safetensors(header: [0x7B, 0x22, 0xFF, 0x22, 0x3A]), "not UTF-8", says: "not valid UTF-8"),
        Case(file: safetensors(header: [0x7B, 0x22, 0xC0, 0x80, 0x22, 0x3A]), "overlong NUL", says: "not valid UTF-8"),
        Case(file: safetensors(header: [0x7B, 0x00, 0x7D]), "NUL between", says: "a text"),
        Case(file: safetensors(header: [0xEF, 0xBB, 0xBF, 0x7B, 0x7D]), "byte order mark", says: "0xef"),
    ]

    @Test(arguments: shapes + offsets + zeroTensors + members + syntax + files)
    func isRefused(_ hostile: Case) throws {
        let url = try folder.write(hostile.file, as: "hostile.safetensors")
        let error = #expect(throws: WeightsError.self) {
            try SafetensorsFile(file: url, name: "transformer/hostile.safetensors")
        }
        let description = error?.description ?? ""
        #expect(description.contains(hostile.message), "\(description)")
        #expect(description.hasPrefix("transformer/hostile.safetensors ") && !description.contains("\n"))
    }

    @Test func tooManyTensorsAreRefused() throws {
        let members = (0...100_000).map { #""\#($0)":{}"# }
        let url = try folder.write(safetensors(header: "{\(members.joined(separator: ","))}"), as: "many.safetensors")
        let error = #expect(throws: WeightsError.self) { try SafetensorsFile(file: url) }
        #expect(error?.description.contains("more than 100000") == true)
    }

    /// A file that is cut at any place is refused, and only the whole one is read.
    @Test func everyTruncationIsRefused() throws {
        let whole = Self.small
        for count in 0..<whole.count {
            let url = try folder.write(Array(whole[..<count]), as: "cut.safetensors")
            #expect(throws: WeightsError.self, "cut at \(count)") { try SafetensorsFile(file: url) }
        }
        for count in 1...9 {
            let url = try folder.write(whole + Array(repeating: 0x20, count: count), as: "long.safetensors")
            #expect(throws: WeightsError.self, "\(count) bytes more") { try SafetensorsFile(file: url) }
        }
        let url = try folder.write(whole, as: "whole.safetensors")
        #expect(try SafetensorsFile(file: url).names == ["a", "b"])
    }

    /// Whatever a changed byte makes of the header, the file is refused, or all that it promises can be read.
    @Test func everyChangedByteIsSurvived() throws {
        var generator = SeededGenerator(state: 20_260_101)
        let whole = Self.small
        let interesting = Array("{}[]\",:\\-0919eE.u \0\u{7F}".utf8) + [0x80, 0xFF]
        var accepted = 0
        for position in 0..<(whole.count - Self.smallData.count) {
            for round in 0..<6 {
                var mutant = whole
                mutant[position] =
                    round < 4
                    ? interesting[Int.random(in: 0..<interesting.count, using: &generator)]
                    : UInt8.random(in: 0...255, using: &generator)
                let url = try folder.write(mutant, as: "mutant.safetensors")
                guard let file = try? SafetensorsFile(file: url) else { continue }
                accepted += 1
                for name in file.names {
                    let tensor = try file.tensor(named: name)
                    let isInside = tensor.memory.withUnsafeBytes { bytes in
                        tensor.byteOffset >= 8 && tensor.byteOffset + tensor.byteCount <= bytes.count
                    }
                    #expect(isInside, "byte \(position) as \(mutant[position])")
                }
            }
        }
        // Changes of a name or of the padding leave a valid file.
        #expect(accepted > 0)
    }

    private static let smallData: [UInt8] = littleEndian([1, 2, 3]) + [7, 8]
    private static let small = safetensors(
        header: #"{"__metadata__":{"k":"v\u0041"},"a":{"dtype":"F32","shape":[3,1],"data_offsets":[0,12]},"#
            + #""b":{"dtype":"U8","shape":[2],"data_offsets":[12,14]}}  "#,
        data: smallData)
}
