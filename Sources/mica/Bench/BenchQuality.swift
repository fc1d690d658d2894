import ArgumentParser
import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Weights

/// `mica bench quality`: what holding a model's large matrices in fewer bits does to its layers.
struct BenchQuality: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality", abstract: "What fewer bits in the weights do to the layers.",
        discussion: """
            Runs one decomposition with the weights as the model has them and products in float32, then once with \
            each of --forms, from the same noise. The table has the layers' peak signal-to-noise ratio and the \
            relative L2 error after each stage and block; --json has every stage, and every matrix with --weights.
            """)

    @Option(help: "The model's folder. The model that comes with Mica if not given.")
    var model: String?

    @OptionGroup(title: "Weights") var components: ComponentOptions

    @Option(
        parsing: .upToNextOption,
        help: "What is compared: bfloat16, fp8, int8, int4; with -hadamard after it, rotated.")
    var forms = ["bfloat16", "fp8", "int8", "int8-hadamard", "int4", "int4-hadamard"]

    @Option(help: "What products are computed in: float32, bfloat16 or int8; float32 if not given.")
    var compute: ComputePrecision?

    @Flag(help: "Compute each form in what suits it, as --precision does, instead of in float32.")
    var suited = false

    @Option(help: "The picture; a drawn one if not given.")
    var image: String?

    @Option(help: ArgumentHelp("Noise: a safetensors file with 'latents'.", valueName: "file"))
    var latents: String?

    @OptionGroup(title: "Parameters") var parameters: ParameterOptions

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @Option(help: ArgumentHelp("The most that is kept of the first run to compare with.", valueName: "MiB"))
    var keep = 4096

    @Flag(help: "Compare the matrices themselves too.")
    var weights = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try OptionRange.check("--threads", threads ?? 1, 1...1024)
        try OptionRange.check("--keep", keep, 1...1_000_000)
        for form in forms where QualityForm(form) == nil {
            throw ValidationError("--forms '\(form)' is none; take \(QualityForm.names.joined(separator: ", "))")
        }
        guard compute == nil || !suited else { throw ValidationError("--suited goes without --compute") }
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        let folder = try ModelFolder(try ModelLocation.folder(model), components: components.components)
        var options = try parameters.options()
        options.seed = options.seed ?? 1
        // Without words the captions of two runs might differ, and with them everything.
        options.prompt =
            options.prompt ?? folder.defaults.prompt
            ?? "A poster with a red title, a yellow circle and a blue background."
        let resolved = try folder.parameters(for: options)
        let picture = try image.map(PictureFile.read) ?? SyntheticPicture.layer(0, of: 1, size: resolved.resolution)
        let noise = try latents.map { try LatentsFile.read($0) }
        func decompose(_ backend: CPUBackend, _ form: WeightForm?, _ observer: StageErrors) throws -> [PixelBuffer] {
            var hooks = LayeredPipeline.Hooks()
            hooks.observer = observer
            return try LayeredPipeline(model: folder.held(in: WeightForms(form)), backend: backend)
                .decompose(picture, parameters: resolved, latents: noise, hooks: hooks).images.flatMap { $0 }
        }
        let exact = CPUBackend(threads: threads)
        let reference = StageErrors(backend: exact, keepBytes: keep << 20)
        let wanted = try decompose(exact, nil, reference)
        var results: [QualityResult] = []
        for form in forms.compactMap(QualityForm.init) {
            let arithmetic = compute ?? (suited ? ComputePrecision(for: form.form.precision) : .float32)
            let backend = CPUBackend(threads: threads, compute: arithmetic)
            let stages = StageErrors(backend: backend, comparedWith: reference)
            let found = try decompose(backend, form.form, stages)
            results.append(
                QualityResult(
                    form: form, compute: arithmetic, ratios: zip(found, wanted).map { LayerQuality.decibels($0, $1) },
                    ratio: LayerQuality.decibels(found, wanted), stages: stages.errors,
                    matrices: weights ? try matrices(folder, form.form) : nil))
        }
        try StandardOutput.print(
            json ? try QualityResult.json(results, model: folder.folder.lastPathComponent) : QualityResult.text(results)
        )
    }

    /// How far each matrix is from the model's own.
    private func matrices(_ folder: ModelFolder, _ form: WeightForm) throws -> QuantizationErrors {
        var errors = QuantizationErrors()
        let backend = CPUBackend(threads: threads)
        for tensor in try ModelQuantizer(model: folder, form: form).convertedMatrices {
            errors.add(
                tensor.name,
                try backend.distance(of: try backend.blockWeight(tensor.source, as: form), from: tensor.source))
        }
        return errors
    }
}

/// A form as a user names it: `int8`, `int8-hadamard`.
struct QualityForm {
    let name: String
    let form: WeightForm

    private static let rotated = "-hadamard"

    /// All names that there are.
    static var names: [String] {
        WeightPrecision.allCases.filter { $0 != .float32 }.flatMap { precision in
            precision.isQuantized ? [precision.rawValue, precision.rawValue + rotated] : [precision.rawValue]
        }
    }

    /// nil for a name that is none.
    init?(_ name: String) {
        guard Self.names.contains(name) else { return nil }
        let isRotated = name.hasSuffix(Self.rotated)
        let plain = isRotated ? String(name.dropLast(Self.rotated.count)) : name
        guard let precision = WeightPrecision(rawValue: plain) else { return nil }
        self.name = name
        form = WeightForm(precision, isRotated: isRotated)
    }
}

/// How close pictures are.
enum LayerQuality {
    /// `10 log10(255² / mean square error)` over all values; infinite if they are equal.
    static func decibels(_ found: [PixelBuffer], _ wanted: [PixelBuffer]) -> Double {
        var (sum, count) = (0.0, 0)
        for (one, other) in zip(found, wanted) {
            for (a, b) in zip(one.bytes, other.bytes) { sum += (Double(a) - Double(b)) * (Double(a) - Double(b)) }
            count += other.bytes.count
        }
        return 10 * log10(255 * 255 / (sum / Double(max(count, 1))))
    }

    /// Of one picture.
    static func decibels(_ found: PixelBuffer, _ wanted: PixelBuffer) -> Double {
        decibels([found], [wanted])
    }
}
