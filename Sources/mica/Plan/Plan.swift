import ArgumentParser
import CPUBackend
import Foundation
import HostLimits
import ImageCodecs
import QwenImage
import ServiceAPI
import TensorCore
import Weights

/// `mica plan`: what a job will take, told without doing it.
struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a job needs, and in which way it runs, before anything runs.",
        discussion: """
            The pipeline's own code runs on shapes alone: memory is counted to the byte, and seconds follow from what \
            this machine was measured to do, once, in a second or two (kept in mica/rates.json of $XDG_CACHE_HOME or \
            ~/.cache; --measure takes it anew). No weight is read. Ends with 1 if the job does not fit.
            """)

    @Option(help: ModelLocation.optionHelp)
    var model: String?

    @OptionGroup(title: "Parameters") var parameters: ParameterOptions

    @OptionGroup(title: "Layers") var finishing: FinishOptions

    @OptionGroup(title: "Memory") var offload: OffloadOptions

    @Option(help: "The picture, for its aspect; a square one if not given.")
    var image: String?

    @OptionGroup(title: "Weights") var components: ComponentOptions

    @OptionGroup(title: "LoRAs") var loras: LoRAOptions

    @OptionGroup(title: "Precision") var precision: PrecisionOptions

    @Option(help: "The autoencoder in tiles, which need less memory: auto, on or off.")
    var vaeTiling: VAETiling = .auto

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "The card that --device cuda:0 is to be, by published speed and memory; the one that is there if not given,"
                + " or else rtx4090."))
    var gpu: PublishedGPU?

    @Flag(
        help: """
            Measure this machine anew, whatever is kept of it; best while nothing else runs. Goes with --device cpu, \
            since GPUs are forecast by published figures.
            """)
    var measure = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @Option(help: ArgumentHelp("Draw memory over the stages as SVG; not to -, but to /dev/stdout.", valueName: "file"))
    var chart: String?

    func validate() throws {
        try OptionRange.check("--threads", threads ?? 1, 1...1024)
    }

    func run() throws {
        var fits = true
        try CommandFailure.reporting { fits = try plan() }
        if !fits { throw ExitCode(1) }
    }

    /// Prints the plan; false if the job fits with none.
    private func plan() throws -> Bool {
        let request = try offload.request()
        let hasGPU = request.devices.contains { $0.kind == .cuda }
        guard !(hasGPU && measure) else {
            throw ValidationError("--measure goes with --device cpu; GPUs are forecast by published figures")
        }
        let picture = try image.map { try PictureFile.read($0) }
        if let chart {
            try InputFiles([image].compactMap(\.self)).check(chart)
            try WholeFiles.probe(chart)
        }
        let folder = try ModelLocation.folder(model)
        let opened = try ModelFolder(folder, components: loras.added(to: components.components))
            .held(in: precision.forms)
        let machine = RateSource.Machine(
            compute: precision.compute(with: opened.quantizedPrecision, on: request.devices), threads: threads)
        let devices = try PlanDevices.open(request, card: gpu, threads: threads, compute: machine.compute)
        let pipeline = try LayeredPipeline(model: opened, devices: devices, request: request)
        pipeline.tiling = vaeTiling
        // The picture is a part of the job. What CUDA holds on the host a card that is not here does not tell.
        let isHere = !devices.contains { $0.name.kind == .cuda && $0.backend is Meter }
        let idleBytes = isHere ? ProcessMemory.residentBytes.map { $0 - (picture?.bytes.count ?? 0) } : nil
        let options = try parameters.options()
        let resolved = try pipeline.model.parameters(for: options)
        let (width, height) = (picture?.width ?? resolved.resolution, picture?.height ?? resolved.resolution)
        let finish = finishing.finish(mergesLayers: options.countsLayers)
        let plan = try pipeline.planner.plan(resolved, pictureWidth: width, pictureHeight: height) {
            FinishForecast(
                finish, of: $0, for: resolved, width: width, height: height,
                flatRegions: pipeline.model.defaults.flatRegions ?? false)
        }
        let card = hasGPU ? gpu ?? PlanDevices.card(of: devices) : nil
        let source = RateSource(model: pipeline.model, machine, card: card, measuresAnew: measure)
        let manifest = PlanManifest(
            plan, parameters: resolved, model: folder.lastPathComponent,
            device: request.devices.map(\.description).joined(separator: ","), precision: machine.compute.rawValue,
            rates: source.rates)
        let report = PlanReport(
            plan, manifest, threads: threads ?? ProcessorCount.available, card: card,
            unknownModel: gpu == nil ? PlanDevices.unknownModel(of: devices) : nil, ratesOrigin: source.origin,
            idleBytes: idleBytes)
        if let chart { try WholeFiles.write([(path: chart, bytes: Array(report.chart().utf8))]) }
        try StandardOutput.print(json ? try report.json() : report.text())
        return report.plan.chosen != nil
    }
}
