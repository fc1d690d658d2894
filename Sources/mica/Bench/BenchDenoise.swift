import ArgumentParser
import CPUBackend
import Foundation
import QwenImage
import TensorCore
import Weights

/// `mica bench denoise`: the transformer's part of a job, within a budget, and what it moves.
struct BenchDenoise: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "denoise", abstract: "The denoising loop with guidance, within a budget of memory.",
        discussion: "Prompts and noise are random numbers. `mica bench synth` makes a checkpoint of the full size.")

    @Option(help: "The model's folder.")
    var model: String

    @Option(help: "Side of the picture in pixels, a multiple of 16.")
    var resolution = 128

    @Option(help: "Layers.")
    var layers = 2

    @Option(help: "Denoising steps.")
    var steps = 2

    @Option(help: ArgumentHelp("Tokens of each prompt.", valueName: "n"))
    var promptTokens = 64

    @OptionGroup(title: "LoRAs") var loras: LoRAOptions

    @OptionGroup(title: "Precision") var precision: PrecisionOptions

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @OptionGroup(title: "Memory") var offload: OffloadOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try OptionRange.check("--resolution", resolution, DecompositionParameters.resolutionRange)
        try OptionRange.check("--layers", layers, DecompositionParameters.layerRange)
        try OptionRange.check("--steps", steps, DecompositionParameters.stepRange)
        try OptionRange.check("--prompt-tokens", promptTokens, DecompositionParameters.sequenceLengthRange)
        try OptionRange.check("--threads", threads ?? 1, 1...1024)
        guard resolution.isMultiple(of: 16) else { throw ValidationError("--resolution must be a multiple of 16") }
    }

    func run() throws {
        try CommandFailure.reporting {
            var request = try offload.request()
            // Without a whole job there is nothing to choose by; streaming fills whatever budget there is.
            if request.plan == nil, request.devices.count == 1 { request.plan = .stream(residentBlocks: nil) }
            let folder = try ModelFolder(
                URL(fileURLWithPath: model), components: loras.added(to: ModelComponents())
            ).held(in: precision.forms)
            // The published weights' own type, unless something else is asked for.
            let compute = precision.compute(with: folder.quantizedPrecision ?? .bfloat16, on: request.devices)
            let manager = try OffloadManager(
                devices: EngineDevices.open(request, threads: threads, compute: compute), request: request,
                layout: folder.layout())
            let work = try MeasuredDenoising(model: folder, offload: manager)
            let start = ContinuousClock.now
            try work.run(.init(resolution: resolution, layers: layers, steps: steps, promptTokens: promptTokens))
            let report = DenoiseReport(
                work: work, manager: manager, seconds: (ContinuousClock.now - start) / .seconds(1),
                parameters: [
                    "resolution": resolution, "layers": layers, "steps": steps, "prompt_tokens": promptTokens,
                    "precision": (precision.precision ?? ComponentPrecisions()).description,
                    "compute": compute.rawValue,
                    "model": folder.folder.lastPathComponent,
                ])
            try StandardOutput.print(json ? try report.json() : report.text())
        }
    }
}

/// What `mica bench denoise` found.
struct DenoiseReport {
    let work: MeasuredDenoising
    let manager: OffloadManager
    let seconds: Double
    let parameters: [String: Any]

    func text() -> String {
        var lines = ["plan \(manager.plan), \(String(format: "%.2f", seconds)) s"]
        for (stage, use) in zip(work.stageSeconds, manager.stages) {
            lines.append(line(stage.name, stage.seconds, use.traffic) + ", at most \(ByteCount(use.peakBytes))")
        }
        if let seconds = work.secondsPerStep {
            lines.append("a step with both branches: \(String(format: "%.3f", seconds)) s, the first one left out")
        }
        for (index, step) in work.steps.enumerated() { lines.append(line("step \(index)", step.seconds, step.traffic)) }
        if let peak = ProcessMemory.peakResidentBytes {
            lines.append("the process was resident with at most \(ByteCount(peak))")
        }
        return lines.joined(separator: "\n")
    }

    private func line(_ name: String, _ seconds: Double, _ traffic: OffloadTraffic) -> String {
        "\(name): \(String(format: "%.2f", seconds)) s, \(ByteCount(traffic.readBytes)) read,"
            + " \(ByteCount(traffic.movedBytes)) moved"
    }

    func json() throws -> String {
        var object: [String: Any] = [
            "bench": "denoise", "parameters": parameters, "plan": manager.plan.description, "seconds": seconds,
            "peak_tensor_bytes": manager.stages.map(\.peakBytes).max() ?? 0,
            "peak_held_bytes": manager.stages.map(\.peakHeldBytes).max() ?? 0,
            "latents_sum": work.latents.reduce(0.0) { $0 + Double($1) },
        ]
        object["stages"] = zip(work.stageSeconds, manager.stages).map { stage, use in
            var entry = MemoryReport.traffic(use.traffic)
            entry["stage"] = stage.name
            entry["seconds"] = stage.seconds
            entry["peak_bytes"] = use.peakBytes
            return entry
        }
        object["step_figures"] = work.steps.map { step in
            var entry = MemoryReport.traffic(step.traffic)
            entry["seconds"] = step.seconds
            return entry
        }
        object["seconds_per_step"] = work.secondsPerStep
        object["peak_resident_bytes"] = ProcessMemory.peakResidentBytes
        object["budget_bytes"] = manager.devices[0].backend.limitBytes
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
