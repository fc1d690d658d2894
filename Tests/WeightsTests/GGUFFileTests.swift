import CPUBackend
import Foundation
import TensorCore
import Testing
import Weights

/// Files that the `gguf` package wrote, with the values that it gives itself (`tools/make_gguf_fixtures.py`).
@Suite struct GGUFFileTests {
    private static let plain: [String: DType] = ["F32": .float32, "F16": .float16, "BF16": .bfloat16]

    @Test func namesShapesAndTypes() throws {
        let file = try GGUFFile(file: fixture("gguf/types.gguf"))
        let values = try SafetensorsFile(file: fixture("gguf/types.safetensors"))
        #expect(file.architecture == "qwen_image")
        #expect(file.names == values.names)
        #expect(Set(file.names) == Set(DType.blockTypes.map(\.rawValue) + Self.plain.keys + ["reshaped"]))
        for name in file.names {
            let tensor = try file.tensor(named: name)
            #expect(tensor.shape == (try values.tensor(named: name).shape), "\(name)")
            let expected = Self.plain[name] ?? (name == "reshaped" ? .q80 : DType(rawValue: name))
            #expect(tensor.dtype == expected, "\(name)")
        }
        #expect(throws: WeightsError.tensorMissing(tensor: "x", file: "types")) {
            try GGUFFile(file: fixture("gguf/types.gguf"), name: "types").tensor(named: "x")
        }
    }

    /// Each element of each type, to the last bit: nothing is rounded on the way but a sum, once.
    @Test(arguments: DType.blockTypes.map(\.rawValue) + ["F32", "F16", "BF16", "reshaped"])
    func values(_ name: String) throws {
        let file = try GGUFFile(file: fixture("gguf/types.gguf"))
        let expected = try SafetensorsFile(file: fixture("gguf/types.safetensors")).tensor(named: name).floats()
        let backend = CPUBackend(threads: 1)
        let tensor = try file.tensor(named: name)
        #expect(try backend.download(try backend.parameter(tensor)) == expected)
        guard tensor.shape.rank == 2 else { return }
        // The same as operands of a product: with rows of the identity, few of which go another way than many.
        let columns = tensor.shape[1]
        let weight = try backend.weight(tensor)
        for count in [1, 8] {
            var input = [Float](repeating: 0, count: count * columns)
            for row in 0..<count { input[row * columns + (row * 7) % columns] = 1 }
            let output = try backend.linear(
                try backend.upload(input, [count, columns]), Linear(weight: weight, bias: nil))
            let wanted = (0..<count).flatMap { row in
                (0..<tensor.shape[0]).map { expected[$0 * columns + (row * 7) % columns] }
            }
            #expect(try backend.download(output) == wanted, "\(count) rows")
        }
    }

    /// Version 2 differs from 3 in its number alone.
    @Test func versionTwo() throws {
        let folder = try ScratchFolder()
        var bytes = try [UInt8](Data(contentsOf: fixture("gguf/types.gguf")))
        bytes[4] = 2
        let file = try GGUFFile(file: folder.write(bytes, as: "two.gguf"))
        #expect(file.names == (try GGUFFile(file: fixture("gguf/types.gguf")).names))
    }

    /// A component may be a GGUF file, or a folder that holds one, if it is the one that may be.
    @Test func components() throws {
        let folder = try ScratchFolder()
        let bytes = try [UInt8](Data(contentsOf: fixture("gguf/types.gguf")))
        // By what it begins with, whatever it is called.
        let file = try folder.write(bytes, as: "alone/weights.safetensors")
        try folder.write(bytes, as: "held/weights-Q4_K.gguf")
        let held = folder.url.appending(path: "held")
        let right = GGUFComponent(architecture: "qwen_image", sign: "absent")
        let signed = GGUFComponent(architecture: "other", sign: "Q4_0")
        let wrong = GGUFComponent(architecture: "other", sign: "absent")
        for place in [file, held] {
            for component in [right, signed] {
                let source = try Checkpoint.open(place, gguf: component)
                #expect(source.contains("Q6_K") && source.precision == nil)
                #expect(try source.tensor(named: "Q6_K", shape: [3, 256]).dtype == .q6K)
            }
            let name = place == held ? "held/weights-Q4_K.gguf" : "weights.safetensors"
            #expect(throws: WeightsError.ggufNotTaken(file: name)) { try Checkpoint.open(place) }
            #expect(throws: WeightsError.ggufArchitecture(file: name, expected: "other", found: "qwen_image")) {
                try Checkpoint.open(place, gguf: wrong)
            }
        }
        try folder.write(bytes, as: "held/weights-Q8_0.gguf")
        #expect(
            throws: WeightsError.ambiguousVariants(
                folder: "held", files: ["weights-Q4_K.gguf", "weights-Q8_0.gguf"])
        ) { try Checkpoint.open(held, gguf: right) }
    }
}
