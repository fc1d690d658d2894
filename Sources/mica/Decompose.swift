import ArgumentParser
import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import ServiceAPI
import TensorCore
import Weights

/// `mica decompose`: one picture in, its layers out, in this process.
struct Decompose: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Splits one picture into layers.",
        discussion: """
            The output is a folder (layer_1.png ..., layers.psd, result.json), or one file: .psd, .psb, .ora, .pptx, \
            .zip. Layers come bottom first. Options that are not given take the model's own default. With --layer \
            the image is a result, edited or not, of which one layer is split: it becomes a group of the new ones \
            among the others.
            """)

    @Argument(help: ArgumentHelp("The picture: PNG, JPEG or WebP; - for standard input.", valueName: "image"))
    var image: String

    @Option(name: .shortAndLong, help: "A folder, or a file ending in .psd, .psb, .ora, .pptx or .zip.")
    var output: String

    @Option(help: ModelLocation.optionHelp)
    var model: String?

    @OptionGroup(title: "Parameters") var parameters: ParameterOptions

    @Option(
        help: ArgumentHelp(
            "Split this layer, 1 for the bottom one: <image> is a result then, a folder, .zip, .psd, .psb or .ora.",
            valueName: "n"))
    var layer: Int?

    @OptionGroup(title: "Layers") var finishing: FinishOptions

    @OptionGroup(title: "Files") var writing: FileWritingOptions

    @OptionGroup(title: "Weights") var components: ComponentOptions

    @OptionGroup(title: "LoRAs") var loras: LoRAOptions

    @OptionGroup(title: "Precision") var precision: PrecisionOptions

    @Option(help: "The autoencoder in tiles, which need less memory and blend their seams: auto, on or off.")
    var vaeTiling: VAETiling = .auto

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @OptionGroup(title: "Memory") var offload: OffloadOptions

    @Option(
        help: ArgumentHelp(
            "Noise to start from: a safetensors file with the packed tensor 'latents'.", valueName: "file"))
    var latents: String?

    @Option(
        help: ArgumentHelp("Write intermediates to a safetensors file, under the reference's names.", valueName: "file")
    )
    var dump: String?

    @Flag(help: "Print one JSON object with what was done.")
    var json = false

    @Flag(help: "Show no progress.")
    var quiet = false

    func validate() throws {
        try OptionRange.check("--threads", threads ?? 1, 1...1024)
        guard layer ?? 1 >= 1 else { throw ValidationError("--layer must be 1 or more") }
        try writing.check(for: OutputTarget.Kind(path: output))
    }

    func run() throws {
        try CommandFailure.reportingUnlessCancelled(decompose)
    }

    private func decompose(_ cancellation: Cancellation) throws {
        let options = try parameters.options()
        let source = try layer.map { _ in try LayerSource(image) }
        let split = try layer.flatMap { try source?.split(layer: $0) }
        let picture = try split?.picture ?? PictureFile.read(image)
        let inputs = source?.files ?? InputFiles([image])
        let target = try OutputTarget(path: output, inputs: inputs) { url in
            LayerFiles.names(at: url, imageCount: options.numImagesPerPrompt ?? 1, withSheet: writing.sheet)
        }
        var succeeded = false
        defer { if !succeeded { target.discard() } }
        if let dump {
            let given = InputFiles([latents].compactMap(\.self))
            for read in [inputs, given] { try read.check(dump) }
            try WholeFiles.probe(dump)
            try target.check(beforehand: dump)
        }
        let request = try offload.request()
        let folder = try ModelLocation.folder(model)
        let opened = try ModelFolder(folder, components: loras.added(to: components.components))
            .held(in: precision.forms)
        let devices = try EngineDevices.open(
            request, threads: threads,
            compute: precision.compute(with: opened.quantizedPrecision, on: request.devices))
        let pipeline = try LayeredPipeline(model: opened, devices: devices, request: request)
        pipeline.tiling = vaeTiling
        let resolved = try pipeline.model.parameters(for: options)
        let noise = try latents.map { try LatentsFile.read($0, channels: opened.transformer.inChannels) }
        let recorder = dump == nil ? nil : TensorRecorder(devices: devices.map(\.backend))
        let bar = ProgressBar(isShown: !quiet)
        defer { bar.finish() }
        var hooks = LayeredPipeline.Hooks()
        hooks.cancellation = cancellation
        hooks.observer = recorder
        hooks.progress = { bar.show($0) }
        let finish = finishing.finish(mergesLayers: options.countsLayers)
        let others = split.map { OtherLayers($0) }
        hooks.finish = {
            FinishForecast(
                finish, of: $0, for: resolved, others: others, width: picture.width, height: picture.height,
                flatRegions: pipeline.model.defaults.flatRegions ?? false)
        }
        let start = ContinuousClock.now
        let decomposition = try pipeline.decompose(picture, parameters: resolved, latents: noise, hooks: hooks)
        try cancellation.check()
        let result = try LayeredResult(
            decomposition, of: picture, finish: finish, modelName: folder.lastPathComponent, split: split)
        try cancellation.check()
        let encoded = ContinuousClock.now
        let files = try LayerFiles.files(
            of: result, for: target, options: writing.options, withSheet: writing.sheet)
        let end = ContinuousClock.now
        bar.finish()
        try cancellation.check()
        let written = try target.write(files)
        succeeded = true
        if let recorder, let dump { try recorder.write(to: dump) }
        let report = DecomposeReport(
            result: result, files: written, encodeSeconds: (end - encoded) / .seconds(1),
            totalSeconds: (end - start) / .seconds(1))
        try StandardOutput.print(json ? try report.json() : report.text())
    }
}
