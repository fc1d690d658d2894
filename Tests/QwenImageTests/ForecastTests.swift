import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing
import Weights

/// A forecast runs the pipeline's own code on shapes: what it says of memory is what the job then takes.
struct ForecastTests {
    /// By stage and in every precision, the peak of a job in a fresh process equals the forecast to the byte.
    @Test(arguments: GoldenCase.all + GoldenCase.cached, ComputePrecision.allCases)
    func peaksAreThoseOfTheJob(_ golden: GoldenCase, _ precision: ComputePrecision) throws {
        let form = precision == .int8 ? WeightForm(.int8, isRotated: true) : nil
        let backend = CPUBackend(threads: 2, compute: precision)
        let pipeline = try LayeredPipeline(
            model: ModelFolder(golden.checkpoint).held(in: WeightForms(form)), backend: backend)
        let picture = try golden.picture()
        var parameters = golden.parameters
        // The length of a caption is not known beforehand.
        if parameters.needsCaption { parameters.prompt = "A red square on white." }
        let forecast = try pipeline.planner.forecast(
            parameters, pictureWidth: picture.width, pictureHeight: picture.height)
        let result = try pipeline.decompose(picture, parameters: parameters)
        #expect(forecast.width == result.width && forecast.height == result.height)
        #expect(forecast.stages.map(\.stage) == result.stageSeconds.map(\.stage))
        for stage in forecast.stages {
            #expect(stage.peaks == result.peaks(of: stage.stage), "\(golden) \(stage.stage)")
        }
        #expect(forecast.peakTensorBytes == result.peakTensorBytes)
    }

    /// The same with the autoencoder in tiles.
    @Test func tiledPeaksAreThoseOfTheJob() throws {
        let golden = try #require(GoldenCase.all.first { $0.meta.checkpoint == "tiny" })
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: CPUBackend(threads: 2))
        pipeline.tiling = .on
        var parameters = golden.parameters
        parameters.prompt = "A red square on white."
        (parameters.resolution, parameters.layers, parameters.numInferenceSteps) = (320, 1, 1)
        let picture = try PixelBuffer(width: 8, height: 8, bytes: [UInt8](repeating: 99, count: 256))
        let forecast = try pipeline.planner.forecast(parameters, pictureWidth: 8, pictureHeight: 8)
        let result = try pipeline.decompose(picture, parameters: parameters)
        for stage in forecast.stages {
            #expect(stage.peaks == result.peaks(of: stage.stage), "\(stage.stage)")
        }
        pipeline.tiling = .off
        let whole = try pipeline.planner.forecast(parameters, pictureWidth: 8, pictureHeight: 8)
        func decoding(_ forecast: JobForecast) -> Int? {
            forecast.stages.first { $0.stage == .decode }?.peakTensorBytes
        }
        #expect(try #require(decoding(forecast)) < #require(decoding(whole)))
    }

    /// A caption may be more tokens when it is read again than it was written in: what is forecast for one is enough
    /// for any text.
    @Test(arguments: [16, 512, 1024])
    func anyCaptionFitsItsForecast(_ length: Int) throws {
        let golden = try #require(GoldenCase.all.first { $0.meta.checkpoint == "tiny" })
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: CPUBackend(threads: 2))
        var parameters = golden.parameters
        parameters.maxSequenceLength = length
        parameters.negativePrompt = " "
        func stages(_ prompt: String?) throws -> [PipelineStage: Int] {
            parameters.prompt = prompt
            let forecast = try pipeline.planner.forecast(parameters, pictureWidth: 64, pictureHeight: 64)
            return Dictionary(uniqueKeysWithValues: forecast.stages.map { ($0.stage, $0.peakTensorBytes) })
        }
        let captioned = try stages(nil)
        #expect(captioned[.caption] != nil)
        // Each letter of this becomes several tokens.
        let long = try stages(String(repeating: "\u{1D54F}", count: 1200))
        for stage in [PipelineStage.encodePrompt, .modulation, .denoise] {
            #expect(try #require(long[stage]) <= #require(captioned[stage]), "\(stage)")
        }
    }

    /// With a budget, tiles are taken where the whole picture does not fit, and the refusal says what it needs.
    @Test func budgetsChooseTiles() throws {
        let golden = try #require(GoldenCase.all.first { $0.meta.checkpoint == "tiny" })
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: CPUBackend(threads: 2))
        var parameters = golden.parameters
        parameters.prompt = "A red square on white."
        (parameters.resolution, parameters.layers, parameters.numInferenceSteps) = (640, 1, 1)
        func plan(_ budget: Int?) throws -> PlanForecast {
            try pipeline.planner.plan(
                parameters, pictureWidth: 8, pictureHeight: 8, limits: budget.map { .bytes($0) } ?? .none)
        }
        let free = try plan(nil)
        #expect(free.candidates.count == 1 && free.chosen?.usesTiles == false)
        let whole = try #require(free.chosen?.forecast?.peakTensorBytes)
        #expect(try plan(whole).chosen?.usesTiles == false)
        let tight = try plan(whole - 1)
        #expect(tight.chosen?.usesTiles == true)
        #expect(tight.candidates.first?.refusal?.description.contains(ByteCount(whole).description) == true)
        let tiled = try #require(tight.chosen?.forecast?.peakTensorBytes)
        #expect(try plan(tiled).chosen?.usesTiles == true)
        let none = try plan(tiled - 1)
        #expect(none.chosen == nil && none.smallest?.forecast?.peakTensorBytes == tiled)
    }

    /// A stream fills a device with blocks that it keeps; where that is the host, it keeps only as many as leave room
    /// for the host's arrays, here the picture.
    @Test func aStreamLeavesRoomOnTheHost() throws {
        let golden = try #require(GoldenCase.all.first { $0.meta.checkpoint == "small" })
        var parameters = golden.parameters
        parameters.prompt = "A red square on white."
        (parameters.resolution, parameters.layers, parameters.numInferenceSteps) = (64, 16, 1)
        parameters.numImagesPerPrompt = 1
        let picture = try PixelBuffer(width: 400, height: 400, bytes: [UInt8](repeating: 9, count: 400 * 400 * 4))
        func pipeline(_ plan: OffloadPlan, _ budget: Int) throws -> LayeredPipeline {
            let backend = CPUBackend(threads: 2, limitBytes: budget, compute: .int8)
            return try LayeredPipeline(
                model: ModelFolder(golden.checkpoint).held(in: WeightForms(WeightForm(.int8, isRotated: true))),
                devices: [OffloadManager.Device(name: .cpu, backend: backend)],
                request: OffloadRequest(plan: plan, devices: [.cpu], budget: MemoryBudget(hostBytes: budget)))
        }
        func plan(_ plan: OffloadPlan, _ budget: Int) throws -> PlanForecast {
            try pipeline(plan, budget).planner.plan(
                parameters, pictureWidth: picture.width, pictureHeight: picture.height)
        }
        func peak(_ kept: Int?) throws -> Int {
            try #require(try plan(.stream(residentBlocks: kept), 1 << 30).chosen?.forecast?.hostPeak.bytes)
        }
        let (least, whole) = (try peak(0), try peak(nil))
        #expect(least < whole)
        for budget in [least, (least + whole) / 2, whole - 1] {
            let chosen = try #require(try plan(.stream(residentBlocks: nil), budget).chosen, "\(budget)")
            #expect(try #require(chosen.forecast?.hostPeak.bytes) <= budget)
        }
        let none = try plan(.stream(residentBlocks: nil), least - 1)
        #expect(none.chosen == nil && none.smallestHostBytes == least)
        let narrow = try pipeline(.stream(residentBlocks: nil), least)
        #expect(try narrow.decompose(picture, parameters: parameters).memory.plan == "stream:0")
    }

    /// A budget of the host counts what becomes of the layers too: a way that leaves room for it is taken, by the
    /// forecast and by the job, and where none does the refusal has the host's numbers.
    @Test func hostBudgetsChooseAmongPlans() throws {
        let golden = try #require(GoldenCase.all.first { $0.meta.checkpoint == "tiny" })
        let finish = FinishForecast(hostBytes: 64 << 20)
        var parameters = golden.parameters
        parameters.prompt = "A red square on white."
        (parameters.resolution, parameters.layers, parameters.numInferenceSteps) = (64, 1, 1)
        func pipeline(_ budget: Int) throws -> LayeredPipeline {
            // Weights that are converted belong to the process, those that are mapped do not.
            let backend = CPUBackend(threads: 2, limitBytes: budget, compute: .int8)
            return try LayeredPipeline(
                model: ModelFolder(golden.checkpoint).held(in: WeightForms(WeightForm(.int8, isRotated: true))),
                devices: [OffloadManager.Device(name: .cpu, backend: backend)],
                request: OffloadRequest(devices: [.cpu], budget: MemoryBudget(hostBytes: budget)))
        }
        func plan(_ budget: Int) throws -> PlanForecast {
            try pipeline(budget).planner.plan(parameters, pictureWidth: 8, pictureHeight: 8) { _ in finish }
        }
        let free = try plan(1 << 30)
        let peak = try #require(free.chosen?.forecast?.hostPeak)
        #expect(free.chosen?.plan == .resident && peak.stage == nil)
        let tight = try plan(peak.bytes - 1)
        #expect(tight.chosen?.plan == .model, "\(tight.candidates.map { $0.refusal?.description ?? "fits" })")

        let none = try plan(finish.hostBytes)
        let least = try #require(none.smallestHostBytes)
        #expect(none.chosen == nil && none.smallest?.refusal?.place == .host && least > finish.hostBytes)
        #expect(try plan(least).chosen != nil)
        #expect(try plan(least - 1).chosen == nil)

        var hooks = LayeredPipeline.Hooks()
        hooks.finish = { _ in finish }
        let picture = try PixelBuffer(width: 8, height: 8, bytes: [UInt8](repeating: 99, count: 256))
        let result = try pipeline(peak.bytes - 1).decompose(picture, parameters: parameters, hooks: hooks)
        #expect(result.memory.plan == "model")
        let error = #expect(throws: PipelineError.self) {
            try pipeline(least - 1).decompose(picture, parameters: parameters, hooks: hooks)
        }
        guard case .placement(.hostBudgetTooSmall(nil, least - 1, least)) = error else {
            Issue.record("\(error?.description ?? "no error")")
            return
        }
    }

    /// Every plan, alone and over three devices: each stage's peak on each device is that of the job.
    @Test(arguments: ["resident", "model", "stream", "stream:1", "sequential", "disk", "balanced", "guidance"])
    func plansTakeWhatIsForecast(_ plan: String) throws {
        let golden = try #require(GoldenCase.all.first { $0.meta.checkpoint == "tiny" })
        let three = [DeviceName.cpu, DeviceName(.cpu, 1), DeviceName(.cpu, 2)]
        let names = Array(three.prefix(["balanced": 3, "guidance": 2][plan] ?? 1))
        let request = OffloadRequest(plan: try OffloadPlan.read(plan), devices: names)
        let devices = names.map {
            OffloadManager.Device(name: $0, backend: CPUBackend(threads: 2, compute: .float32, name: "\($0)"))
        }
        let pipeline = try LayeredPipeline(model: golden.checkpoint, devices: devices, request: request)
        var parameters = golden.parameters
        if parameters.needsCaption { parameters.prompt = "A red square on white." }
        let picture = try golden.picture()
        let forecast = try pipeline.planner.forecast(
            parameters, pictureWidth: picture.width, pictureHeight: picture.height)
        let result = try pipeline.decompose(picture, parameters: parameters)
        for stage in forecast.stages {
            #expect(stage.peaks == result.peaks(of: stage.stage), "\(plan) \(stage.stage)")
        }
    }

    /// A forecast leaves nothing on the backend that it speaks of, and is quick.
    @Test func takesNoMemory() throws {
        let golden = try #require(GoldenCase.all.first)
        let backend = CPUBackend(threads: 2)
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: backend)
        backend.resetPeak()
        let before = backend.memory
        var parameters = golden.parameters
        parameters.prompt = nil
        parameters.resolution = 1024
        parameters.layers = 8
        parameters.numInferenceSteps = 50
        let forecast = try pipeline.planner.forecast(parameters, pictureWidth: 1000, pictureHeight: 600)
        #expect(backend.memory == before)
        #expect(forecast.stages.map(\.stage) == PipelineStage.allCases)
        #expect(forecast.peakTensorBytes > 50 << 20)
    }
}

extension Decomposition {
    /// What each device held at most in a stage.
    fileprivate func peaks(of stage: PipelineStage) -> [StageUse.Peak]? {
        memory.stages.first { $0.name == stage.rawValue }?.peaks
    }
}
