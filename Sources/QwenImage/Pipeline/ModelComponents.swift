import Foundation
import Weights

/// Weights that take the place of those in a model folder, each a single file or a folder; configurations stay the
/// folder's.
public struct ModelComponents: Sendable, Equatable {
    /// The diffusion transformer, the text encoder and the VAE; nil for the folder's own.
    public var transformer: URL?
    public var textEncoder: URL?
    public var autoencoder: URL?
    /// Applied to the transformer, whatever its weights are; those of weight 0 are not opened.
    public var loras: [LoRA] = []

    /// All from the folder.
    public init() {}

    /// The names that a component may have before its own in a file with others beside it.
    private static let transformerPrefixes = [
        "model.diffusion_model.", "diffusion_model.", "transformer.",
    ]
    /// What a GGUF file of the transformer is; those of other components are not read.
    private static let transformerGGUF = GGUFComponent(
        architecture: "qwen_image", sign: "transformer_blocks.0.img_mod.1.weight")
    private static let textEncoderPrefixes = [
        "text_encoders.qwen25_7b.transformer.", "text_encoder.",
    ]
    private static let autoencoderPrefixes = ["vae.", "first_stage_model."]

    /// The transformer's tensors, under the names of the public layout.
    func transformerSource(_ folder: URL) throws(WeightsError) -> QuantizedSource {
        try Checkpoint.open(
            transformer ?? folder.appendingPathComponent("transformer"),
            prefixes: Self.transformerPrefixes, gguf: Self.transformerGGUF)
    }

    /// The transformer's tensors with the LoRAs beside them.
    func adapted(
        _ transformer: any TensorSource, _ configuration: TransformerConfiguration
    ) throws(WeightsError) -> any TensorSource {
        guard !activeLoRAs.isEmpty else { return transformer }
        let modules = LoRAModules(configuration.linearLayers)
        var opened: [(file: LoRAFile, weight: Double)] = []
        for lora in activeLoRAs {
            opened.append((try LoRAFile(file: lora.file, modules: modules), lora.weight))
        }
        return AdaptedSource(transformer, loras: opened)
    }

    /// Those that change anything.
    var activeLoRAs: [LoRA] { loras.filter { $0.weight != 0 } }

    /// The text encoder's tensors, in either of the public spellings.
    func textEncoderSource(_ folder: URL) throws(WeightsError) -> QuantizedSource {
        try Checkpoint.open(
            textEncoder ?? folder.appendingPathComponent("text_encoder"),
            prefixes: Self.textEncoderPrefixes)
    }

    /// The VAE's tensors; those of Wan's layout under the names of the public one.
    func autoencoderSource(
        _ folder: URL, _ configuration: AutoencoderConfiguration
    ) throws(WeightsError) -> any TensorSource {
        let source = try Checkpoint.open(
            autoencoder ?? folder.appendingPathComponent("vae"), prefixes: Self.autoencoderPrefixes)
        guard source.contains(WanNames.sign) else { return source }
        let names = WanNames(residualBlocks: configuration.numResBlocks)
        return RenamedSource(source) { names.publicName($0) }
    }
}
