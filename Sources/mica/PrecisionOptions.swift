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

/// In what weights are held and products computed, for every command that runs a model.
struct PrecisionOptions: ParsableArguments {
    @Option(
        help: """
            What the large matrices are held in: float32, bfloat16, fp8, int8 or int4; converted while they are \
            loaded. As the model has them if not given.
            """)
    var precision: WeightPrecision?

    @Option(
        help: """
            What products are computed in: float32, bfloat16, or int8 (8-bit weights times inputs rounded to 8 bits). \
            What suits --precision if not given; without that, float32 on the CPU and bfloat16 on a GPU.
            """)
    var compute: ComputePrecision?

    @OptionGroup var rotation: RotationOptions

    /// What matrices are converted to; nil for nothing.
    var form: WeightForm? { precision.map { WeightForm($0, isRotated: rotation.hadamard) } }

    /// In what to compute with a model whose matrices are quantised so, or not.
    func compute(with quantized: WeightPrecision?, on devices: [DeviceName]) -> ComputePrecision {
        compute ?? ComputePrecision(for: precision ?? quantized, on: devices)
    }

    func validate() throws {
        try rotation.check(precision)
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
    func check(_ precision: WeightPrecision?) throws {
        guard hadamard == nil || precision?.isQuantized == true else {
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
