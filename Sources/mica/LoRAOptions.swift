import ArgumentParser
import QwenImage

extension LoRA: ExpressibleByArgument {
    /// `FILE` or `FILE:WEIGHT`.
    public init?(argument: String) {
        self.init(text: argument)
    }
}

/// LoRAs, for every command that runs a model.
struct LoRAOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A LoRA for the transformer (safetensors) and its weight, 1 if none is given; may be given several times.",
            valueName: "file[:weight]"))
    var lora: [LoRA] = []

    /// The components with the LoRAs on them.
    func added(to components: ModelComponents) -> ModelComponents {
        var components = components
        components.loras = lora
        return components
    }
}
