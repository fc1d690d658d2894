import Foundation
import TensorCore

/// A LoRA: a safetensors file, mapped read-only, with a pair of small matrices for each of some layers of a model.
public struct LoRAFile: Sendable {
    /// What is added to one layer's weight: `scale * up · down`.
    struct Pair: Sendable {
        /// [rank, inFeatures]
        let down: HostTensor
        /// [outFeatures, rank]
        let up: HostTensor
        /// Of the file itself: alpha / rank, or 1.
        let scale: Double

        var rank: Int { down.shape[0] }
    }

    /// What messages call the file.
    public let location: String
    /// By the model's name for the layer.
    let pairs: [String: Pair]
    let mappings: [any HostMemory]

    /// Maps a file and finds the model's layers in it; no matrix is read.
    ///
    /// - Parameters:
    ///   - modules: of the model, with the shapes of their weights.
    ///   - name: what messages call the file; the path if nil.
    /// - Throws: the errors of `SafetensorsFile`, and `lora` for the first key that cannot be applied: a LoRA of which
    ///   only a part fits is made for another model.
    public init(file: URL, name: String? = nil, modules: LoRAModules) throws(WeightsError) {
        let file = try SafetensorsFile(file: file, name: name)
        var parts: [String: Parts] = [:]
        for key in file.names {
            try Self.converting(key, file) { () throws(LoRAProblem) in
                let meaning = try LoRAKey(key, in: modules)
                try parts[meaning.module, default: Parts()].add(key, as: meaning)
            }
        }
        guard !parts.isEmpty else { throw .lora(tensor: nil, file: file.location, problem: .empty) }
        let metadata = try file.metadata[LoRAMetadata.key].map { (text) throws(WeightsError) in
            try Self.converting(LoRAMetadata.key, file) { () throws(LoRAProblem) in try LoRAMetadata(text: text) }
        }
        var pairs: [String: Pair] = [:]
        for (module, parts) in parts.sorted(by: { $0.key < $1.key }) {
            guard let shape = modules.shapes[module] else { preconditionFailure("a layer that no model has") }
            pairs[module] = try Self.pair(parts, of: module, shape, in: file, metadata)
        }
        self.pairs = pairs
        location = file.location
        mappings = file.mappings
    }

    /// The keys of one layer.
    private struct Parts {
        private var keys: [LoRAKey.Part: String] = [:]

        subscript(part: LoRAKey.Part) -> String? { keys[part] }
        /// Any of them, for messages.
        var anyKey: String { keys.values.min() ?? "" }

        mutating func add(_ key: String, as meaning: LoRAKey) throws(LoRAProblem) {
            guard keys.updateValue(key, forKey: meaning.part) == nil else { throw .repeated(module: meaning.module) }
        }
    }

    private static func pair(
        _ parts: Parts, of module: String, _ shape: Shape, in file: SafetensorsFile, _ metadata: LoRAMetadata?
    ) throws(WeightsError) -> Pair {
        func key(_ part: LoRAKey.Part, _ name: String) throws(WeightsError) -> String {
            guard let key = parts[part] else {
                throw .lora(
                    tensor: parts.anyKey, file: file.location, problem: .partMissing(name: name, module: module))
            }
            return key
        }
        let downKey = try key(.down, "lora_A (or lora_down)")
        let upKey = try key(.up, "lora_B (or lora_up)")
        let down = try matrix(downKey, in: file, columns: shape[1], "[rank, \(shape[1])]")
        let up = try matrix(upKey, in: file, rows: shape[0], "[\(shape[0]), rank]")
        let rank = down.shape[0]
        guard up.shape[1] == rank else {
            throw .lora(
                tensor: upKey, file: file.location, problem: .ranksDiffer(down: rank, up: up.shape[1]))
        }
        // As in diffusers, a configuration beside the tensors multiplies what their alphas say.
        var scale = metadata?.scale(of: module, rank: rank) ?? 1
        if let alphaKey = parts[.alpha] { scale *= try alpha(alphaKey, in: file) / Double(rank) }
        guard Float(scale).isFinite else {
            throw .lora(tensor: downKey, file: file.location, problem: .alphaInvalid)
        }
        return Pair(down: down, up: up, scale: scale)
    }

    private static func matrix(
        _ key: String, in file: SafetensorsFile, rows: Int? = nil, columns: Int? = nil, _ expected: String
    ) throws(WeightsError) -> HostTensor {
        let tensor = try file.tensor(named: key)
        let shape = tensor.shape
        guard shape.rank == 2, shape.elementCount > 0, rows ?? shape[0] == shape[0], columns ?? shape[1] == shape[1]
        else {
            throw .lora(
                tensor: key, file: file.location, problem: .wrongShape(expected: expected, found: shape))
        }
        guard tensor.isWeight else { throw .unsupportedDType(tensor: key, file: file.location, dtype: tensor.dtype) }
        return tensor
    }

    private static func alpha(_ key: String, in file: SafetensorsFile) throws(WeightsError) -> Double {
        let tensor = try file.tensor(named: key)
        guard tensor.shape.elementCount == 1, let alpha = number(tensor), alpha.isFinite else {
            throw .lora(tensor: key, file: file.location, problem: .alphaInvalid)
        }
        return alpha
    }

    /// The first value of a tensor, which trainers may have written as a whole number.
    private static func number(_ tensor: HostTensor) -> Double? {
        let (dtype, offset) = (tensor.dtype, tensor.byteOffset)
        return tensor.memory.withUnsafeBytes { bytes in
            switch dtype {
            case .int64: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
            case .int32: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
            case .float64: bytes.loadUnaligned(fromByteOffset: offset, as: Double.self)
            default: (try? tensor.floats().first).map { Double($0) }
            }
        }
    }

    private static func converting<Result>(
        _ key: String, _ file: SafetensorsFile, _ body: () throws(LoRAProblem) -> Result
    ) throws(WeightsError) -> Result {
        do throws(LoRAProblem) {
            return try body()
        } catch {
            throw .lora(tensor: key, file: file.location, problem: error)
        }
    }
}
