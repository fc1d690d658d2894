import ArgumentParser
import CPUBackend
import Foundation
import QwenImage
import TensorCore
import Weights

/// `mica quantize`: a model folder in, the same model with its large matrices in fewer bits out.
struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model with its large matrices in fewer bits.",
        discussion: """
            The matrices inside of the blocks of transformer and text encoder are converted; embeddings, norms, \
            modulation, input and output projections and the VAE stay as they are. The result is a model folder that \
            is mapped when it is used: it costs no second copy, and gives the same layers as --precision does when \
            it converts while loading (one in bfloat16 with --compute bfloat16). Memory is needed for one matrix at \
            a time. The folder appears when it is complete. With --only the folder is that component's, for \
            --text-encoder or --transformer: a text encoder of 4 bits writes captions within a few GiB, while the \
            transformer stays as it was published.
            """)

    @Option(help: ModelLocation.optionHelp)
    var model: String?

    @OptionGroup(title: "Weights") var components: ComponentOptions

    @Option(help: "What the large matrices are converted to: fp8, int8 or int4, or bfloat16 for a model of float32.")
    var precision: WeightPrecision

    @OptionGroup var rotation: RotationOptions

    @Option(
        help: ArgumentHelp(
            "Convert one component alone: text-encoder or transformer; all of the model if not given.",
            valueName: "component"))
    var only: ModelQuantizer.Part?

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; it must not be there.", valueName: "folder"))
    var output: String

    @Option(help: ArgumentHelp("The most that one file holds, in MiB.", valueName: "MiB"))
    var shardSize = 5120

    @Flag(help: "Measure how far each converted matrix is from the original, and print a table.")
    var report = false

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @Flag(help: "Print one JSON object with what was done.")
    var json = false

    @Flag(help: "Show no progress.")
    var quiet = false

    func validate() throws {
        try OptionRange.check("--threads", threads ?? 1, 1...1024)
        try OptionRange.check("--shard-size", shardSize, 1...1_000_000)
        guard precision != .float32 else { throw ValidationError("--precision float32 has no fewer bits") }
        try rotation.check(precision.isQuantized)
    }

    func run() throws {
        try CommandFailure.reportingUnlessCancelled(quantize)
    }

    private func quantize(_ cancellation: Cancellation) throws {
        let start = ContinuousClock.now
        let folder = try ModelFolder(try ModelLocation.folder(model), components: components.components)
        let form = WeightForm(precision, isRotated: rotation.hadamard)
        let quantizer = try ModelQuantizer(model: folder, form: form, only: only)
        guard !quantizer.convertedMatrices.isEmpty else {
            throw CommandError.cannotRead(
                path: folder.folder.path,
                reason: "none of its large matrices takes more bits than \(precision.rawValue): use it as it is, or"
                    + " convert the original")
        }
        let target = try UnfinishedFolder(path: output, neededBytes: quantizer.targetBytes)
        let backend = CPUBackend(threads: threads)
        let bar = ByteProgressBar(isShown: !quiet)
        defer { bar.finish() }
        var errors = QuantizationErrors()
        try quantizer.write(
            to: target.url, shardBytes: shardSize << 20,
            convert: { name, tensor, form throws(TensorError) in
                let weight = try backend.blockWeight(tensor, as: form)
                if report { errors.add(name, try backend.distance(of: weight, from: tensor)) }
                return backend.stored(weight)
            },
            progress: { bar.show($0.component, done: $0.doneBytes, of: $0.totalBytes) }, cancellation: cancellation)
        bar.finish()
        try target.finish()
        let summary = QuantizeSummary(
            output: output, form: form, matrices: quantizer.convertedMatrices.count, sourceBytes: quantizer.sourceBytes,
            targetBytes: quantizer.targetBytes, seconds: (ContinuousClock.now - start) / .seconds(1),
            errors: report ? errors : nil)
        try StandardOutput.print(json ? try summary.json() : summary.text())
    }
}

extension ModelQuantizer.Part: ExpressibleByArgument {
    /// As the options that take the result are spelt, or as the folders are.
    public init?(argument: String) {
        self.init(rawValue: argument.replacing("-", with: "_"))
    }

    /// In the spelling of the options.
    public static var allValueStrings: [String] { allCases.map { $0.rawValue.replacing("_", with: "-") } }
}
