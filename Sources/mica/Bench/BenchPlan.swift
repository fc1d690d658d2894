import ArgumentParser
import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Weights

/// `mica bench plan`: a job's forecast beside what the job then takes.
struct BenchPlan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "A job's forecast of memory and time beside what the job then takes.",
        discussion: "One process measures one job: the process's peak counts from when the model was opened.")

    @Option(help: "The model's folder. The model that comes with Mica if not given.")
    var model: String?

    @OptionGroup(title: "Parameters") var parameters: ParameterOptions

    @OptionGroup(title: "Memory") var offload: OffloadOptions

    @OptionGroup(title: "Weights") var components: ComponentOptions

    @OptionGroup(title: "LoRAs") var loras: LoRAOptions

    @OptionGroup(title: "Precision") var precision: PrecisionOptions

    @Option(help: "The autoencoder in tiles: on or off.")
    var vaeTiling: VAETiling = .off

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        let folder = try ModelLocation.folder(model)
        let request = try offload.request()
        let opened = try ModelFolder(folder, components: loras.added(to: components.components))
            .held(in: precision.forms)
        let machine = RateSource.Machine(
            compute: precision.compute(with: opened.quantizedPrecision, on: request.devices), threads: threads)
        let devices = try EngineDevices.open(request, threads: threads, compute: machine.compute)
        let pipeline = try LayeredPipeline(model: opened, devices: devices, request: request)
        pipeline.tiling = vaeTiling
        var options = try parameters.options()
        // The length of a caption is not known beforehand.
        options.prompt = options.prompt ?? "A poster with a red title, a yellow circle and a blue background."
        options.seed = options.seed ?? 1
        let resolved = try pipeline.model.parameters(for: options)
        let rates = RateSource(model: pipeline.model, machine, card: PlanDevices.card(of: devices)).rates
        try WarmUp.run(devices, opened.weightForms)
        // Before the picture, which is part of a job, and the forecast, which leaves some of its own behind.
        let before = ProcessMemory.residentBytes ?? 0
        let picture = try SyntheticPicture.layer(0, of: 1, size: resolved.resolution)
        let plan = try pipeline.planner.plan(
            resolved, pictureWidth: picture.width, pictureHeight: picture.height)
        guard let forecast = plan.chosen?.forecast else {
            throw PipelineError.placement(plan.shortage(on: request.devices[0], plan: request.plan))
        }
        let watch = ProcessWatch(from: before)
        var hooks = LayeredPipeline.Hooks()
        hooks.progress = { watch.enter($0.stage) }
        let start = ContinuousClock.now
        let result = try pipeline.decompose(picture, parameters: resolved, hooks: hooks)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let comparison = PlanComparison(
            forecast: forecast, result: result, rates: rates, seconds: seconds,
            processBytes: watch.finish())
        try StandardOutput.print(json ? try comparison.json() : comparison.text())
    }
}

/// What the process holds at most in each stage of a job, as the kernel counts it.
private final class ProcessWatch {
    private let baseline: Int
    private var stage: PipelineStage?
    private var peaks: [PipelineStage: Int] = [:]

    /// Counts from `baseline` resident bytes.
    init(from baseline: Int) {
        self.baseline = baseline
        ProcessMemory.resetPeak()
    }

    /// A stage has begun, or goes on. What was before the first belongs to it.
    func enter(_ next: PipelineStage) {
        guard next != stage else { return }
        if stage != nil { note() }
        stage = next
    }

    /// The peaks above the baseline, the last stage having ended.
    func finish() -> [PipelineStage: Int] {
        note()
        return peaks
    }

    private func note() {
        guard let stage else { return }
        peaks[stage] = max(peaks[stage] ?? 0, (ProcessMemory.peakResidentBytes ?? 0) - baseline)
        ProcessMemory.resetPeak()
    }
}

/// A forecast and a measurement of the same job.
struct PlanComparison {
    let forecast: JobForecast
    let result: Decomposition
    let rates: DeviceRates
    let seconds: Double
    /// Resident at most in each stage, above what was before the job.
    let processBytes: [PipelineStage: Int]

    private struct Row {
        let name: String
        let forecast: Int
        let measured: Int
    }

    private var stageRows: [Row] {
        forecast.stages.map { stage in
            let measured = result.memory.stages.first { $0.name == stage.stage.rawValue }
            return Row(name: stage.stage.rawValue, forecast: stage.peakTensorBytes, measured: measured?.peakBytes ?? 0)
        }
    }

    private var processRows: [Row] {
        forecast.stages.map {
            Row(name: $0.stage.rawValue, forecast: $0.peakProcessBytes, measured: processBytes[$0.stage] ?? 0)
        }
    }

    private var totals: [Row] {
        [
            Row(name: "tensors", forecast: forecast.peakTensorBytes, measured: result.peakTensorBytes),
            Row(
                name: "held", forecast: forecast.peakHeldBytes,
                measured: result.memory.stages.map(\.peakHeldBytes).max() ?? 0),
            Row(name: "process", forecast: forecast.peakProcessBytes, measured: processBytes.values.max() ?? 0),
        ]
    }

    private var expectedSeconds: Double { forecast.stages.reduce(0) { $0 + rates.estimate($1).seconds } }

    /// A line a stage: forecast, measured, and by how much they differ.
    func text() -> String {
        var lines = (stageRows + processRows + totals).map { row in
            let share = row.measured > 0 ? Double(row.forecast - row.measured) / Double(row.measured) * 100 : 0
            return [
                row.name.padding(toLength: 16, withPad: " ", startingAt: 0), "\(ByteCount(row.forecast))",
                "\(ByteCount(row.measured))", String(format: "%+.2f %%", share),
            ].joined(separator: "  ")
        }
        lines.append(String(format: "seconds           %.2f  %.2f", expectedSeconds, seconds))
        return lines.joined(separator: "\n")
    }

    /// The same for a program.
    func json() throws -> String {
        var object: [String: Any] = [
            "expected_seconds": expectedSeconds, "seconds": seconds, "plan": result.memory.plan,
        ]
        object["stages"] = zip(stageRows, processRows).map { device, process in
            [
                "stage": device.name, "forecast_bytes": device.forecast, "measured_bytes": device.measured,
                "forecast_process_bytes": process.forecast, "measured_process_bytes": process.measured,
            ] as [String: Any]
        }
        for row in totals {
            object["forecast_\(row.name)_bytes"] = row.forecast
            object["measured_\(row.name)_bytes"] = row.measured
        }
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
