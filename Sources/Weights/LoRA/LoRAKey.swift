import TensorCore

/// What a key of a LoRA file means for a model.
///
/// Source: diffusers 0.42.1 `loaders/lora_conversion_utils.py`, `_convert_non_diffusers_qwen_lora_to_diffusers`, and
/// `utils/state_dict_utils.py`, `convert_unet_state_dict_to_peft`, for the forms in circulation; here flattened names
/// are looked up among the model's own, instead of being taken apart.
struct LoRAKey: Sendable, Hashable {
    /// A tensor of a pair.
    enum Part: String, Sendable {
        /// [rank, inFeatures]
        case down
        /// [outFeatures, rank]
        case up
        case alpha
    }

    /// As the model names it.
    let module: String
    let part: Part

    /// Reads a key. Throws why it is none of the model's.
    init(_ key: String, in modules: LoRAModules) throws(LoRAProblem) {
        // PEFT puts the adapter's name into keys: `X.lora_A.default.weight`.
        let components = key.split(separator: ".", omittingEmptySubsequences: false).filter { $0 != "default" }
        for component in components {
            if let kind = Self.otherKind(component) { throw .otherKind(kind) }
        }
        let path: String
        let part: Part
        if let (known, count) = Self.part(components.suffix(2).map(String.init)) {
            (path, part) = (components.dropLast(count).joined(separator: "."), known)
        } else if let older = Self.olderForm(components) {
            (path, part) = older
        } else {
            throw .unknownPart
        }
        guard let module = modules.module(path) else { throw .unknownModule(path) }
        (self.module, self.part) = (module, part)
    }

    /// The part that a key's last components name, and how many they are.
    private static func part(_ ending: [String]) -> (Part, Int)? {
        switch ending {
        case ["lora_A", "weight"], ["lora_down", "weight"]: (.down, 2)
        case ["lora_B", "weight"], ["lora_up", "weight"]: (.up, 2)
        case _ where ending.last == "alpha": (.alpha, 1)
        default: nil
        }
    }

    /// What a key of diffusers' own older forms names: `X.lora.down.weight`, and of attention
    /// `attn.processor.to_q_lora.down.weight`, where the processor may be left out. Nil for what is in neither.
    private static func olderForm(_ components: [Substring]) -> (path: String, part: Part)? {
        guard components.last == "weight", let part = components.dropLast().last.flatMap({ Part(rawValue: "\($0)") }),
            part != .alpha
        else { return nil }
        var path = components.dropLast(2).filter { $0 != "processor" }
        guard let layer = path.popLast() else { return nil }
        if layer != "lora" {
            guard let module = processorLayers["\(layer)"] else { return nil }
            path.append(module)
        }
        return (path.joined(separator: "."), part)
    }

    /// The layers that attention processors had LoRAs for, by the names of these.
    private static let processorLayers: [String: Substring] = [
        "to_q_lora": "to_q", "to_k_lora": "to_k", "to_v_lora": "to_v", "to_out_lora": "to_out.0",
    ]

    /// The name of an adapter of another kind, told by a component that only it has.
    private static func otherKind(_ component: Substring) -> String? {
        switch component {
        case "dora_scale", "lora_magnitude_vector", "magnitude": "DoRA"
        case "lora_mid": "a LoRA in three matrices (Tucker)"
        case "lora_embedding_A", "lora_embedding_B": "a LoRA of an embedding"
        case "diff", "diff_b": "a full difference"
        case _ where component.hasPrefix("hada_"): "LoHa"
        case _ where component.hasPrefix("lokr_"): "LoKr"
        case _ where component.hasPrefix("oft_"): "OFT"
        default: nil
        }
    }
}

/// The linear layers of a model, to be found in the spellings that LoRA files have for them.
public struct LoRAModules: Sendable {
    /// By name, [outFeatures, inFeatures].
    let shapes: [String: Shape]
    /// By the name with underscores instead of dots.
    private let flattened: [String: String]

    /// What may stand before a name with dots.
    private static let prefixes = ["base_model.model.", "model.", "diffusion_model.", "transformer."]
    /// What stands before one with underscores.
    private static let flatPrefixes = ["lora_unet_", "lora_transformer_", "lycoris_"]

    /// - Parameter shapes: by the names of the model's linear layers, [outFeatures, inFeatures].
    public init(_ shapes: [String: Shape]) {
        self.shapes = shapes
        flattened = Dictionary(
            shapes.keys.map { ($0.split(separator: ".").joined(separator: "_"), $0) }, uniquingKeysWith: { $1 })
    }

    /// The model's name for a layer.
    func module(_ given: String) -> String? {
        var name = given[...]
        for prefix in Self.prefixes where name.hasPrefix(prefix) { name = name.dropFirst(prefix.count) }
        if let prefix = Self.flatPrefixes.first(where: name.hasPrefix) {
            return flattened[String(name.dropFirst(prefix.count))]
        }
        return shapes[String(name)] == nil ? nil : String(name)
    }
}
