import Foundation
import TensorCore
import Testing
import Weights

@Suite struct WeightScopeTests {
    /// Tensors by name, all bytes zero.
    private struct Fake: TensorSource {
        let location = "transformer"
        let tensors: [String: (DType, Shape)]
        var names: [String] { tensors.keys.sorted() }

        func contains(_ name: String) -> Bool { tensors[name] != nil }

        func tensor(named name: String) throws(WeightsError) -> HostTensor {
            guard let (dtype, shape) = tensors[name] else { throw .tensorMissing(tensor: name, file: location) }
            let memory = ByteArray(Array(repeating: 0, count: shape.elementCount * dtype.byteCount))
            return HostTensor(memory: memory, byteOffset: 0, shape: shape, dtype: dtype)
        }
    }

    private let backend = RecordingBackend()

    private func scope(_ tensors: [String: (DType, Shape)]) -> WeightScope {
        WeightScope(source: Fake(tensors: tensors), backend: backend)
    }

    @Test func pathsAreBuiltFromNamesAndNumbers() {
        let root = scope(["transformer_blocks.3.attn.to_q.weight": (.bfloat16, [4, 2])])
        let place = root["transformer_blocks"][3]["attn"]["to_q"]
        #expect(root.path == "")
        #expect(place.path == "transformer_blocks.3.attn.to_q")
        #expect(root["attn.to_out"][0].path == "attn.to_out.0")
        #expect(place.contains("weight") && !place.contains("bias"))
        #expect(root.contains("transformer_blocks.3.attn.to_q.weight"))
    }

    @Test func linear() throws {
        let root = scope([
            "q.weight": (.bfloat16, [4, 2]), "q.bias": (.bfloat16, [4]), "k.weight": (.float16, [4, 2]),
            "qkv.weight": (.float32, [6, 2, 1, 1]), "qkv.bias": (.float32, [6]),
        ])
        let q = try root["q"].linear(inFeatures: 2, outFeatures: 4)
        #expect(q.weight.shape == [4, 2] && q.weight.dtype == .bfloat16)
        #expect(q.bias?.shape == [4] && q.bias?.dtype == .float32)
        #expect(try root["k"].linear(inFeatures: 2, outFeatures: 4, bias: false).bias == nil)
        let qkv = try root["qkv"].linear(inFeatures: 2, outFeatures: 6, storedShape: [6, 2, 1, 1])
        #expect(qkv.weight.shape == [6, 2])
        #expect(backend.arrivals.map(\.kind) == [.weight, .parameter, .weight, .weight, .parameter])
    }

    @Test func vectorsAndMatrices() throws {
        let root = scope([
            "norm.weight": (.float32, [4]), "norm.gamma": (.bfloat16, [4, 1, 1, 1]), "table": (.float16, [5, 3]),
            "patch.weight": (.bfloat16, [6, 3, 2, 4, 4]),
        ])
        #expect(try root["norm"].vector("weight", 4).shape == [4])
        #expect(try root["norm"].vector("gamma", shape: [4, 1, 1, 1]).shape == [4])
        #expect(try root.matrix("table", rows: 5, columns: 3).dtype == .float16)
        #expect(try root["patch"].matrix("weight", shape: [6, 3, 2, 4, 4]).shape == [6, 96])
        #expect(backend.arrivals.map(\.kind) == [.parameter, .parameter, .weight, .weight])
        #expect(backend.arrivals[1].shape == [4])
    }

    @Test func convolutions() throws {
        let root = scope([
            "c3.weight": (.float32, [8, 2, 3, 3, 3]), "c3.bias": (.float32, [8]),
            "c2.weight": (.float32, [8, 2, 1, 1]), "c2.bias": (.float32, [8]),
            "slice.weight": (.float32, [8, 2, 1, 3, 3]), "slice.bias": (.float32, [8]),
            "two.weight": (.float32, [8, 2, 2, 3, 3]), "two.bias": (.float32, [8]),
        ])
        _ = try root["c3"].convolution(inChannels: 2, outChannels: 8, kernel: 3, temporalKernel: 3)
        _ = try root["c2"].convolution(inChannels: 2, outChannels: 8, kernel: 1)
        _ = try root["slice"].convolution(inChannels: 2, outChannels: 8, kernel: 3, temporalKernel: 3)
        #expect(
            backend.arrivals.map(\.shape) == [[8, 2, 3, 3, 3], [8], [8, 2, 1, 1], [8], [8, 2, 1, 3, 3], [8]])
        let kinds = backend.arrivals.map(\.kind)
        #expect(kinds == Array(repeating: [.convolutionWeight, .parameter], count: 3).flatMap { $0 })
        let expected = WeightsError.wrongShape(
            tensor: "two.weight", file: "transformer", expected: [8, 2, 3, 3, 3], found: [8, 2, 2, 3, 3])
        #expect(throws: expected) {
            try root["two"].convolution(inChannels: 2, outChannels: 8, kernel: 3, temporalKernel: 3)
        }
    }

    @Test func errorsNameTheTensor() {
        let root = scope([
            "a.weight": (.float32, [2, 4]), "b.weight": (.int8, [4, 2]), "c.weight": (.int64, [4]),
        ])
        func wrongShape(_ expected: Shape) -> WeightsError {
            .wrongShape(tensor: "a.weight", file: "transformer", expected: expected, found: [2, 4])
        }
        #expect(throws: wrongShape([4, 2])) {
            try root["a"].linear(inFeatures: 2, outFeatures: 4, bias: false)
        }
        #expect(throws: WeightsError.unsupportedDType(tensor: "b.weight", file: "transformer", dtype: .int8)) {
            try root["b"].linear(inFeatures: 2, outFeatures: 4, bias: false)
        }
        #expect(throws: WeightsError.unsupportedDType(tensor: "c.weight", file: "transformer", dtype: .int64)) {
            try root["c"].vector("weight", 4)
        }
        #expect(throws: WeightsError.tensorMissing(tensor: "a.bias", file: "transformer")) {
            try root["a"].linear(inFeatures: 4, outFeatures: 2)
        }
        #expect(throws: wrongShape([2, 4, 1, 1])) {
            try root["a"].convolution(inChannels: 4, outChannels: 2, kernel: 1)
        }
        #expect(throws: Never.self) { try root.tensor("c.weight", shape: [4]) }
    }

    @Test func aBackendsFailureIsPassedOn() {
        let failure = TensorError.outOfMemory(operation: "weight", neededBytes: 64, usedBytes: 1, limitBytes: 8)
        let source = Fake(tensors: ["weight": (.float32, [4, 2])])
        let root = WeightScope(source: source, backend: RecordingBackend(failure: failure))
        #expect(throws: WeightsError.tensor(failure)) { try root.matrix("weight", rows: 4, columns: 2) }
        #expect(WeightsError.tensor(failure).description == failure.description)
    }

    /// The plain way from a real file: names with dots, values by view.
    @Test func overAFolder() throws {
        let source = try CheckpointFolder(folder: fixture("sharded"))
        let layer = try WeightScope(source: source, backend: backend)["blocks"][4].linear(
            inFeatures: 2, outFeatures: 4, bias: false)
        #expect(layer.weight.shape == [4, 2])
    }
}
