import TensorCore

/// A checkpoint with LoRAs beside it: its tensors as they are, and for some layers pairs of small matrices, which the
/// layers find by `adapters(of:)`.
///
/// Each LoRA keeps its own pairs: they stay where they are mapped, and are staged with the block that they belong to as
/// any tensor of it.
public struct AdaptedSource: TensorSource {
    /// The checkpoint's names and those of the pairs, sorted.
    public let names: [String]
    private let base: any TensorSource
    private let loras: [LoRAFile]
    private let tensors: [String: HostTensor]
    private let adapters: [String: [LayerAdapter]]

    /// - Parameter loras: each with what it is multiplied by.
    public init(_ base: any TensorSource, loras: [(file: LoRAFile, weight: Double)]) {
        var tensors: [String: HostTensor] = [:]
        var adapters: [String: [LayerAdapter]] = [:]
        for (index, lora) in loras.enumerated() {
            for (layer, pair) in lora.file.pairs {
                let scale = Float(lora.weight * pair.scale)
                guard scale != 0 else { continue }
                let adapter = LayerAdapter(
                    down: "lora_A.\(index)", up: "lora_B.\(index)", rank: pair.rank, scale: scale)
                tensors["\(layer).\(adapter.down)"] = pair.down
                tensors["\(layer).\(adapter.up)"] = pair.up
                adapters[layer, default: []].append(adapter)
            }
        }
        self.base = base
        self.loras = loras.map(\.file)
        self.tensors = tensors
        self.adapters = adapters
        names = (base.names + tensors.keys).sorted()
    }

    /// What messages call the checkpoint.
    public var location: String { base.location }
    /// The checkpoint's.
    public var headerTexts: [[String: String]] { base.headerTexts }
    /// The checkpoint's files and the LoRAs'.
    public var mappings: [any HostMemory] { base.mappings + loras.flatMap(\.mappings) }

    /// True for a tensor of the checkpoint or of a pair.
    public func contains(_ name: String) -> Bool { tensors[name] != nil || base.contains(name) }

    /// What the LoRAs add to a layer, in their order.
    public func adapters(of layer: String) -> [LayerAdapter] { adapters[layer] ?? [] }

    /// The tensor as its file has it. Throws `tensorMissing`.
    public func tensor(named name: String) throws(WeightsError) -> HostTensor {
        if let tensor = tensors[name] { return tensor }
        return try base.tensor(named: name)
    }

    /// As the other, or throws `wrongShape`.
    public func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        guard let tensor = tensors[name] else { return try base.tensor(named: name, shape: shape) }
        guard tensor.shape == shape else {
            throw .wrongShape(tensor: name, file: location, expected: shape, found: tensor.shape)
        }
        return tensor
    }

    /// The checkpoint's.
    public func blockMatrix(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        try base.blockMatrix(named: name, shape: shape)
    }
}
