import CPUBackend
import CUDABackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing
import Weights

/// The whole pipeline on a GPU against the reference, in float32 as on the CPU, and in bfloat16 against the reference's
/// own error in bfloat16.
@Suite(.serialized, .enabled(if: GoldenDevice.absence.isEmpty, "\(GoldenDevice.absence)"))
struct CUDAGoldenTests {
    private func backend(_ change: (inout CUDABackend.Options) -> Void) throws -> CUDABackend {
        var options = CUDABackend.Options()
        change(&options)
        return try CUDABackend(GoldenDevice.libraries.get(), options: options)
    }

    @Test(arguments: GoldenCase.all + GoldenCase.adapted + GoldenCase.cached)
    func everyStageEqualsTheReference(_ golden: GoldenCase) throws {
        let backend = try backend { $0.precision = .float32 }
        let observer = RecordingObserver(backend)
        var hooks = LayeredPipeline.Hooks()
        hooks.observer = observer
        let result = try LayeredPipeline(model: golden.model(), backend: backend).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents(), hooks: hooks)
        #expect(result.caption == golden.meta.caption)
        #expect(result.reusedPasses == golden.meta.reused_passes)
        try GoldenTests.compareStages(observer, golden)
        try GoldenTests.compareLayers(result.images.flatMap { $0 }, golden)
    }

    /// With activations as a model of this size has them, and with all of them in bfloat16, as large models have them.
    @Test(arguments: GoldenCase.all.filter { !$0.parameters.needsCaption }, [1 << 20, 0])
    func isAsCloseAsTheReference(_ golden: GoldenCase, _ narrowElements: Int) throws {
        let allowed = try #require(BFloat16Tests.errors[golden.meta.name])
        let backend = try backend { $0.narrowElements = narrowElements }
        let observer = RecordingObserver(backend)
        var hooks = LayeredPipeline.Hooks()
        hooks.observer = observer
        _ = try LayeredPipeline(model: golden.checkpoint, backend: backend).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents(), hooks: hooks)
        let file = try golden.golden()
        var compared = 0
        for (name, bound) in allowed {
            guard let found = observer.values[name] else { continue }
            let error = relativeError(found, try file.tensor(named: name).floats())
            #expect(error <= bound, "\(golden.meta.name): \(name) differs by \(error), the reference by \(bound)")
            compared += 1
        }
        #expect(compared >= 5)
    }

    /// Small jobs one after another leave nothing on the device, nor does one that was cancelled or ran out of memory.
    @Test func jobsLeaveNothingBehind() throws {
        let golden = try #require(GoldenCase.all.first { !$0.parameters.needsCaption })
        let backend = try backend { _ in }
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: backend)
        func run(_ hooks: LayeredPipeline.Hooks = LayeredPipeline.Hooks()) throws -> [UInt8] {
            try pipeline.decompose(
                golden.picture(), parameters: golden.parameters, latents: golden.latents(), hooks: hooks
            ).images[0][0].bytes
        }
        let first = try run()
        let (used, held) = (backend.memory.usedBytes, try backend.driverMemory().usedBytes)
        let count = Int(ProcessInfo.processInfo.environment["MICA_JOBS"] ?? "") ?? 3
        for _ in 0..<count {
            #expect(try run() == first)
            #expect(backend.memory.usedBytes == used)
        }
        var hooks = LayeredPipeline.Hooks()
        let cancellation = hooks.cancellation
        hooks.progress = { if $0.stage == .denoise, $0.completed == 1 { cancellation.cancel() } }
        #expect(throws: PipelineError.self) { _ = try run(hooks) }
        #expect(backend.memory.usedBytes == used)
        #expect(try run() == first)
        #expect(try backend.driverMemory().usedBytes <= held + (8 << 20))
    }
}

extension CUDAGoldenTests {
    /// The autoencoder takes of a device's memory what its rehearsal does, byte by byte, and gives the same each time:
    /// when cuDNN's convolutions are tried and afterwards.
    @Test(arguments: [nil, AutoencoderTiling(tile: 32, stride: 24)])
    func autoencoderTakesWhatIsForecast(_ tiling: AutoencoderTiling?) throws {
        let golden = try #require(GoldenCase.all.first { $0.meta.checkpoint == "small" })
        let (model, backend) = (try golden.model(), try backend { $0.narrowElements = 0 })
        let (height, width) = (64, 48)
        func run(on backend: any Backend) throws -> [Float] {
            let autoencoder = model.openAutoencoder(on: backend)
            let values = (0..<height * width * 4).map { Float($0 % 37) / 18 - 1 }
            let latent = try autoencoder.encode(try backend.upload(values, [height, width, 4]), tiling: tiling)
            return try backend.download(autoencoder.decode(latent, tiling: tiling))
        }
        var pictures: [[Float]] = []
        for _ in 0..<2 {
            backend.releaseUnusedMemory()
            backend.resetPeak()
            let rehearsal = backend.rehearsal(limitBytes: nil)
            pictures.append(try run(on: backend))
            _ = try run(on: rehearsal)
            #expect(rehearsal.memory.peakBytes == backend.memory.peakBytes)
        }
        let isSame = pictures[0] == pictures[1]
        #expect(isSame)
        let isFinite = pictures[0].allSatisfy(\.isFinite)
        #expect(isFinite)
    }

    /// A transformer in ggml's blocks, wherever its weights are, gives what the CPU makes of it.
    @Test(arguments: [OffloadPlan.resident, .stream(residentBlocks: 1)])
    func blocksGiveWhatTheyGiveOnTheCPU(_ plan: OffloadPlan) throws {
        let golden = try #require(
            GoldenCase.all.first { $0.meta.checkpoint == "small" && !$0.parameters.needsCaption })
        var components = ModelComponents()
        components.transformer = GoldenCase.root.appendingPathComponent("../gguf/small.gguf")
        let model = try ModelFolder(golden.checkpoint, components: components)
        func latents(_ backend: any Backend, _ name: DeviceName) throws -> [Float] {
            let observer = RecordingObserver(backend)
            var hooks = LayeredPipeline.Hooks()
            hooks.observer = observer
            let pipeline = try LayeredPipeline(
                model: model, devices: [.init(name: name, backend: backend)],
                request: OffloadRequest(plan: plan, devices: [name]))
            _ = try pipeline.decompose(
                golden.picture(), parameters: golden.parameters, latents: golden.latents(), hooks: hooks)
            return try #require(observer.values["step.0.latents"])
        }
        let found = try latents(try backend { $0.precision = .float32 }, DeviceName(.cuda, 0))
        let expected = try latents(CPUBackend(), .cpu)
        // Float32 on both, sums in other orders.
        #expect(relativeError(found, expected) < 1e-5)
    }

    /// Memory that something else takes makes a job fail, and the next one gives what it gave before.
    @Test func runsOutOfMemoryUnharmed() throws {
        let golden = try #require(GoldenCase.all.first { !$0.parameters.needsCaption })
        let limit = 1 << 30
        let backend = try backend { $0.limitBytes = limit }
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: backend)
        func run() throws -> [UInt8] {
            try pipeline.decompose(
                golden.picture(), parameters: golden.parameters, latents: golden.latents()
            ).images[0][0].bytes
        }
        let first = try run()
        let used = backend.memory.usedBytes
        let needed = backend.memory.peakBytes - used
        // From nothing but what weights take to nearly enough.
        for share in [0, needed / 4, needed / 2] {
            var ballast: Tensor? = try backend.allocate([(limit - used - share) / 4 - (1 << 20)], .float32)
            #expect(throws: PipelineError.self, "\(share) of \(needed) bytes") { _ = try run() }
            #expect(ballast != nil)
            ballast = nil
            #expect(backend.memory.usedBytes == used)
            #expect(try run() == first)
        }
    }
}

/// Two devices at a time.
@Suite(.serialized, .enabled(if: GoldenDevice.count > 1, "there are not two GPUs"))
struct TwoDevicesTests {
    /// A guidance branch on each, and components spread over both: the same layers as on one, bit for bit.
    @Test(arguments: [OffloadPlan.guidance, .balanced]) func plansGiveTheSameLayers(_ plan: OffloadPlan) throws {
        let golden = try #require(
            GoldenCase.all.first { $0.parameters.doTrueCFG && !$0.parameters.needsCaption })
        func run(_ plan: OffloadPlan, _ indices: Range<Int>) throws -> Decomposition {
            let names = indices.map { DeviceName(.cuda, $0) }
            let devices = try names.map { name in
                OffloadManager.Device(
                    name: name, backend: try CUDABackend(GoldenDevice.libraries.get(), index: name.index))
            }
            return try LayeredPipeline(
                model: golden.checkpoint, devices: devices, request: OffloadRequest(plan: plan, devices: names)
            ).decompose(golden.picture(), parameters: golden.parameters, latents: golden.latents())
        }
        let alone = try run(.resident, 0..<1)
        let both = try run(plan, 0..<2)
        #expect(both.images == alone.images)
        #expect(both.memory.stages.contains { $0.traffic.transferredBytes > 0 })
    }
}

/// The device of these tests.
enum GoldenDevice {
    static let libraries = Result { () throws(CUDAUnavailable) in try CUDALibraries() }

    /// How many there are.
    static var count: Int { (try? libraries.get().deviceCount) ?? 0 }

    /// Why there is none; empty if there is one.
    static var absence: String {
        if case .failure(let reason) = libraries { return reason.description }
        return ""
    }
}
