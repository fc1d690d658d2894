import Foundation
import TensorCore
import Testing

@testable import Weights

/// Quantised checkpoints in every dressing, and those that are broken.
@Suite struct QuantizedSourceTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    /// A tensor of a file under test; its elements are zeros unless `bytes` says otherwise.
    struct Part {
        let name: String
        let dtype: DType
        let shape: Shape
        var bytes: [UInt8]?

        init(_ name: String, _ dtype: DType, _ shape: Shape, _ bytes: [UInt8]? = nil) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
            self.bytes = bytes
        }

        static func floats(_ name: String, _ shape: Shape, _ values: [Float]) -> Part {
            Part(
                name, .float32, shape,
                values.flatMap { value in
                    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
                })
        }

        static func text(_ name: String, _ text: String) -> Part {
            Part(name, .uint8, [text.utf8.count], Array(text.utf8))
        }
    }

    private func file(
        _ parts: [Part], metadata: [String: String] = [:], name: String = "x.safetensors"
    ) throws -> URL {
        let url = scratch.url.appending(path: name)
        let writer = try SafetensorsWriter(
            file: url,
            entries: parts.map { SafetensorsEntry(name: $0.name, dtype: $0.dtype, shape: $0.shape) },
            metadata: metadata)
        for part in parts {
            try writer.append(
                part.bytes ?? [UInt8](repeating: 0, count: part.dtype.byteCount(of: part.shape)),
                to: part.name)
        }
        try writer.finish()
        return url
    }

    private func open(
        _ parts: [Part], metadata: [String: String] = [:], prefixes: [String] = []
    ) throws -> QuantizedSource {
        try Checkpoint.open(try file(parts, metadata: metadata), prefixes: prefixes)
    }

    private static let metadataKey = "_quantization_metadata"

    /// The three dressings of fp8 and those of int8 come out alike.
    @Test(arguments: [DType.float8E4M3, .int8], ["", "model.diffusion_model."])
    func dressings(_ dtype: DType, _ prefix: String) throws {
        let format = dtype == .int8 ? "int8_tensorwise" : "float8_e4m3fn"
        let weight = Part("\(prefix)a.to_q.weight", dtype, [2, 64])
        let bias = Part("\(prefix)a.to_q.bias", .bfloat16, [2])
        let scale = Part.floats("\(prefix)a.to_q.weight_scale", [], [0.5])
        let description = "{\"format\": \"\(format)\", \"full_precision_matrix_mult\": true}"
        let all =
            "{\"format_version\": \"1.0\", \"layers\": {\"a.to_q\": \(description), \"gone\": {\"format\": \"x\"}}}"
        let allPrefixed = "{\"layers\": {\"\(prefix)a.to_q\": \(description)}}"
        let sources = [
            try open(
                [weight, bias, scale, .floats("\(prefix)a.to_q.input_scale", [], [1])],
                metadata: [Self.metadataKey: all], prefixes: [prefix]),
            try open(
                [weight, bias, scale], metadata: [Self.metadataKey: allPrefixed], prefixes: [prefix]),
            try open(
                [weight, bias, scale, .text("\(prefix)a.to_q.comfy_quant", description)], prefixes: [prefix]
            ),
            try open(
                [
                    weight, bias, Part("\(prefix)scaled_fp8", .float8E4M3, [0]),
                    .floats("\(prefix)a.to_q.scale_weight", [1], [0.5]),
                    .floats("\(prefix)a.to_q.scale_input", [1], [1]),
                ], prefixes: [prefix]),
        ]
        for source in sources {
            #expect(
                source.names == ["a.to_q.bias", "a.to_q.weight"] && !source.contains("a.to_q.weight_scale"))
            #expect(source.precision == (dtype == .int8 ? .int8 : .fp8))
            let tensor = try source.tensor(named: "a.to_q.weight", shape: [2, 64])
            let quantization = try #require(tensor.quantization)
            #expect(tensor.dtype == dtype && quantization.isWhole && quantization.rotation == nil)
            #expect(try quantization.scales.floats() == [0.5])
            #expect(try source.tensor(named: "a.to_q.bias").quantization == nil)
            #expect(throws: WeightsError.self) {
                try source.tensor(named: "a.to_q.weight", shape: [2, 63])
            }
        }
    }

    @Test func rowScalesAndRotations() throws {
        let rotated =
            "{\"format\":\"int8_tensorwise\",\"convrot\":true,\"convrot_groupsize\":256,\"per_row\":true}"
        let source = try open([
            Part("a.weight", .int8, [3, 512]), .floats("a.weight_scale", [3, 1], [1, 2, 3]),
            .text("a.comfy_quant", rotated),
        ])
        let quantization = try #require(try source.tensor(named: "a.weight").quantization)
        #expect(try quantization.scales.floats() == [1, 2, 3] && quantization.rotation?.size == 256)
        let rows = try source.tensor(named: "a.weight").rows(1..<3)
        #expect(try rows.quantization?.scales.floats() == [2, 3] && rows.shape == [2, 512])
    }

    /// A plain cast: elements are values, and only they.
    @Test func castsWithoutScales() throws {
        let source = try open([
            Part("a.weight", .float8E4M3, [2, 3]), Part("n.weight", .float8E4M3, [3]),
            Part("b.weight", .bfloat16, [2, 3]),
        ])
        #expect(try source.tensor(named: "a.weight").quantization == nil && source.precision == .fp8)
        #expect(try source.tensor(named: "n.weight").isWeight)
    }

    @Test func rowsOfFourBits() throws {
        let description = "{\"format\":\"mica_int4\",\"in_features\":65}"
        let source = try open([
            Part("a.weight", .uint8, [2, 33]), Part("a.weight_scale", .bfloat16, [2, 2]),
            .text("a.comfy_quant", description),
        ])
        let tensor = try source.tensor(named: "a.weight", shape: [2, 65])
        #expect(tensor.dtype == .int4 && tensor.byteCount == 66 && tensor.storedByteCount == 74)
        #expect(tensor.rows(1..<2).byteOffset == tensor.byteOffset + 33)
    }

    private static func layers(_ description: String) -> [String: String] {
        [metadataKey: "{\"layers\": {\"a\": \(description)}}"]
    }

    /// Broken files: what stands in `a.weight`, what describes it, and the one problem that is named.
    struct Broken: Sendable, CustomStringConvertible {
        let description: String
        let parts: @Sendable () -> [Part]
        let metadata: [String: String]
        let problem: QuantizationProblem

        init(
            _ description: String, in metadata: [String: String] = [:], _ problem: QuantizationProblem,
            _ parts: @escaping @Sendable () -> [Part]
        ) {
            self.description = description
            self.metadata = metadata
            self.problem = problem
            self.parts = parts
        }
    }

    static let broken: [Broken] = [
        Broken(
            "no scale beside a described weight", in: layers("{\"format\":\"float8_e4m3fn\"}"),
            .scaleMissing(names: ["a.weight_scale", "a.scale_weight"])
        ) {
            [Part("a.weight", .float8E4M3, [2, 4])]
        },
        Broken("no scale in an older file", .scaleMissing(names: ["a.weight_scale", "a.scale_weight"])) {
            [Part("a.weight", .float8E4M3, [2, 4]), Part("scaled_fp8", .float8E4M3, [2])]
        },
        Broken("int8 alone", .scaleMissing(names: ["a.weight_scale", "a.scale_weight"])) {
            [Part("a.weight", .int8, [2, 4])]
        },
        Broken("an unknown format", in: layers("{\"format\":\"nvfp4\"}"), .unknownFormat("nvfp4")) {
            [Part("a.weight", .uint8, [2, 4]), .floats("a.weight_scale", [], [1])]
        },
        Broken("an unknown format of a tensor", .unknownFormat("mxfp8")) {
            [
                Part("a.weight", .float8E4M3, [2, 4]), .floats("a.weight_scale", [], [1]),
                .text("a.comfy_quant", "{\"format\":\"mxfp8\"}"),
            ]
        },
        Broken("no format", in: layers("{}"), .descriptionInvalid(.missingKey("format"))) {
            [Part("a.weight", .int8, [2, 4]), .floats("a.weight_scale", [], [1])]
        },
        Broken(
            "another type than described", in: layers("{\"format\":\"int8_tensorwise\"}"),
            .wrongDType(expected: .int8, found: .float8E4M3)
        ) {
            [Part("a.weight", .float8E4M3, [2, 4]), .floats("a.weight_scale", [], [1])]
        },
        Broken(
            "a scale a column",
            .wrongScaleShape(name: "a.weight_scale", expected: [[], [2], [2, 1]], found: [4])
        ) {
            [Part("a.weight", .int8, [2, 4]), .floats("a.weight_scale", [4], [1, 1, 1, 1])]
        },
        Broken(
            "no elements in the scale",
            .wrongScaleShape(name: "a.weight_scale", expected: [[], [2], [2, 1]], found: [0])
        ) {
            [Part("a.weight", .int8, [2, 4]), Part("a.weight_scale", .float32, [0])]
        },
        Broken("integers as scales", .wrongScaleDType(name: "a.weight_scale", found: .int32)) {
            [Part("a.weight", .int8, [2, 4]), Part("a.weight_scale", .int32, [])]
        },
        Broken("NaN", .scaleNotFinite(index: 1)) {
            [Part("a.weight", .int8, [2, 4]), .floats("a.weight_scale", [2, 1], [1, .nan])]
        },
        Broken("an infinity", .scaleNotFinite(index: 0)) {
            [Part("a.weight", .float8E4M3, [2, 4]), .floats("a.scale_weight", [], [.infinity])]
        },
        Broken(
            "a rotation that is no power of 4",
            in: layers("{\"format\":\"int8_tensorwise\",\"convrot\":true,\"convrot_groupsize\":8}"),
            .wrongRotation(size: 8, columns: 64)
        ) {
            [Part("a.weight", .int8, [2, 64]), .floats("a.weight_scale", [], [1])]
        },
        Broken(
            "a rotation that does not divide",
            in: layers("{\"format\":\"int8_tensorwise\",\"convrot\":true}"),
            .wrongRotation(size: 256, columns: 64)
        ) {
            [Part("a.weight", .int8, [2, 64]), .floats("a.weight_scale", [], [1])]
        },
        Broken(
            "four bits in rows of another length",
            in: layers("{\"format\":\"mica_int4\",\"in_features\":9223372036854775807}"),
            .wrongRowLength(columns: .max, bytes: 4)
        ) {
            [Part("a.weight", .uint8, [2, 4]), Part("a.weight_scale", .bfloat16, [2, 1])]
        },
        Broken(
            "four bits with a scale a row", in: layers("{\"format\":\"mica_int4\"}"),
            .wrongScaleShape(name: "a.weight_scale", expected: [[2, 2]], found: [2, 1])
        ) {
            [Part("a.weight", .uint8, [2, 64]), Part("a.weight_scale", .bfloat16, [2, 1])]
        },
        Broken(
            "four bits with wide scales", in: layers("{\"format\":\"mica_int4\"}"),
            .wrongScaleDType(name: "a.weight_scale", found: .float32)
        ) {
            [Part("a.weight", .uint8, [2, 64]), Part("a.weight_scale", .float32, [2, 2])]
        },
        Broken("a long description", .descriptionTooLong(limitBytes: 4096, foundBytes: 5000)) {
            [
                Part("a.weight", .int8, [2, 4]), .floats("a.weight_scale", [], [1]),
                .text("a.comfy_quant", String(repeating: " ", count: 5000)),
            ]
        },
        Broken("no JSON", .descriptionInvalid(.unexpectedEnd)) {
            [
                Part("a.weight", .int8, [2, 4]), .floats("a.weight_scale", [], [1]),
                .text("a.comfy_quant", "{"),
            ]
        },
    ]

    @Test(arguments: broken)
    func brokenFilesAreNamed(_ broken: Broken) throws {
        let source = try open(broken.parts(), metadata: broken.metadata)
        let expected = WeightsError.quantization(
            tensor: "a.weight", file: "x.safetensors", problem: broken.problem)
        #expect(throws: expected) { try source.tensor(named: "a.weight") }
        #expect(throws: WeightsError.self) { try source.tensor(named: "a.weight", shape: [2, 4]) }
        #expect(expected.description.contains("a.weight") && !expected.description.contains("\n"))
    }

    /// Headers that describe nothing stop the file; every text, cut anywhere or with a byte changed, is an error or
    /// none.
    @Test func hostileDescriptions() throws {
        let good =
            #"{"format_version":"1","layers":{"a":{"format":"int8_tensorwise","convrot":true,"convrot_groupsize":64}}}"#
        let parts = [Part("a.weight", .int8, [2, 64]), Part.floats("a.weight_scale", [], [1])]
        for text in ["", "[]", "{}", "{\"layers\": 1}", "{\"layers\": {\"a\": []}}"] {
            #expect(throws: WeightsError.self) { try open(parts, metadata: [Self.metadataKey: text]) }
        }
        let plain = try SafetensorsFile(file: try file(parts))
        var bytes = Array(good.utf8)
        for index in bytes.indices {
            for text in [
                String(decoding: bytes[..<index], as: UTF8.self),
                {
                    bytes[index] ^= 0x15
                    defer { bytes[index] ^= 0x15 }
                    return String(decoding: bytes, as: UTF8.self)
                }(),
            ] {
                let source = try? QuantizedSource(Described(source: plain, text: text))
                _ = try? source?.tensor(named: "a.weight")
                _ = try? LayerFormat.read(Array(text.utf8))
            }
        }
    }

    /// A file with another text in its header.
    private struct Described: TensorSource {
        let source: SafetensorsFile
        let text: String
        var location: String { source.location }
        var names: [String] { source.names }
        var headerTexts: [[String: String]] { [["_quantization_metadata": text]] }
        func contains(_ name: String) -> Bool { source.contains(name) }
        func tensor(named name: String) throws(WeightsError) -> HostTensor {
            try source.tensor(named: name)
        }
    }

    /// A folder with one file of any name, and with two.
    @Test func filesOfAnyName() throws {
        _ = try file(
            [Part("diffusion_model.a.weight", .float32, [1, 1])],
            name: "qwen_image_layered_fp8mixed.safetensors")
        let source = try Checkpoint.open(
            scratch.url, prefixes: ["model.diffusion_model.", "diffusion_model."])
        #expect(source.names == ["a.weight"] && source.precision == nil)
        _ = try file([Part("b.weight", .float32, [1, 1])], name: "other.safetensors")
        #expect(throws: WeightsError.self) { try Checkpoint.open(scratch.url) }
    }
}
