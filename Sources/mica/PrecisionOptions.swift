import ArgumentParser
import CPUBackend
import Foundation
import QwenImage
import TensorCore

extension ComputePrecision: ExpressibleByArgument {}

extension ComputePrecision {
    /// What suits weights that are held so, or as they come: exact on the CPU alone, and on a GPU what it is made for
    /// and what the published weights are stored in.
    init(for precision: WeightPrecision?, on devices: [DeviceName]) {
        self.init(for: precision ?? (devices.contains { $0.kind == .cuda } ? .bfloat16 : nil))
    }
}

extension WeightPrecision: ExpressibleByArgument {}

extension ComponentPrecisions {
    /// What the option that takes such a text says of it.
    static let optionHelp = ArgumentHelp(
        """
        What the large matrices are held in: float32, bfloat16, fp8, int8 or int4, or one for a component each, as in \
        text_encoder=int4,transformer=fp8; converted while they are loaded. As the model has them if not given.
        """, valueName: "precision")
}

/// In what weights are held and products computed, for every command that runs a model.
struct PrecisionOptions: ParsableArguments {
    @Option(help: ComponentPrecisions.optionHelp, transform: { try ComponentPrecisions(text: $0) })
    var precision: ComponentPrecisions?

    @Option(
        help: """
            What products are computed in: float32, bfloat16, or int8 (8-bit weights times inputs rounded to 8 bits). \
            What suits --precision if not given, the transformer's if there are two; without that, float32 on the CPU \
            and bfloat16 on a GPU.
            """)
    var compute: ComputePrecision?

    @OptionGroup var rotation: RotationOptions

    /// What matrices are converted to.
    var forms: WeightForms { WeightForms(precision ?? ComponentPrecisions(), isRotated: rotation.hadamard) }

    /// In what to compute with a model whose matrices are quantised so, or not.
    func compute(with quantized: WeightPrecision?, on devices: [DeviceName]) -> ComputePrecision {
        compute ?? ComputePrecision(for: precision?.transformer ?? quantized, on: devices)
    }

    func validate() throws {
        try rotation.check(precision?.areQuantized == true)
    }
}

/// Whether matrices are rotated before they are rounded, for every command that rounds some.
struct RotationOptions: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: """
            Rotate fp8, int8 and int4 matrices before they are rounded, so that single large values do less harm. \
            int8 is rotated unless this says otherwise.
            """)
    var hadamard: Bool?

    /// Throws if there is nothing to rotate.
    func check(_ areQuantized: Bool) throws {
        guard hadamard == nil || areQuantized else {
            throw ValidationError("--hadamard goes with --precision fp8, int8 or int4")
        }
    }
}

/// Weights from elsewhere, for every command that runs a model.
struct ComponentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The transformer's weights, instead of the model folder's: a safetensors or GGUF file, or a folder.",
            valueName: "file"))
    var transformer: String?

    @Option(help: ArgumentHelp("The text encoder's weights: a safetensors file or folder.", valueName: "file"))
    var textEncoder: String?

    @Option(help: ArgumentHelp("The VAE's weights, alike.", valueName: "file"))
    var vae: String?

    /// As the engine takes them.
    var components: ModelComponents { ModelComponents(transformer, textEncoder, vae) }
}

extension ModelComponents {
    /// Paths as a user gives them.
    init(_ transformer: String?, _ textEncoder: String?, _ vae: String?) {
        self.init()
        self.transformer = transformer.map { URL(fileURLWithPath: $0) }
        self.textEncoder = textEncoder.map { URL(fileURLWithPath: $0) }
        autoencoder = vae.map { URL(fileURLWithPath: $0) }
    }
}
