import TensorCore

/// What a key of a LoRA file means for a model.
///
/// Source: diffusers `loaders/lora_conversion_utils.py`, `_convert_non_diffusers_qwen_lora_to_diffusers`, for the forms
/// in circulation; here flattened names are looked up among the model's own, instead of being taken apart.
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
        guard let (part, count) = Self.part(components.suffix(2).map(String.init)) else { throw .unknownPart }
        let path = components.dropLast(count).joined(separator: ".")
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
        if let prefix = Self.flatPrefixes.first(where: given.hasPrefix) {
            return flattened[String(given.dropFirst(prefix.count))]
        }
        var name = given[...]
        for prefix in Self.prefixes where name.hasPrefix(prefix) { name = name.dropFirst(prefix.count) }
        return shapes[String(name)] == nil ? nil : String(name)
    }
}
