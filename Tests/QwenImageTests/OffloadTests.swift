import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing
import Weights

/// Where weights live never changes a result: every plan against everything resident on one device, bit for bit.
@Suite struct OffloadTests {
    /// A caption, guidance, two images and a first block cache are among them.
    private static let cases: [GoldenCase] = {
        let captioned = GoldenCase.all.first { $0.parameters.needsCaption }
        let several = GoldenCase.all.first { $0.parameters.numImagesPerPrompt > 1 }
        let guided = GoldenCase.all.first { $0.parameters.doTrueCFG && !$0.parameters.needsCaption }
        return [captioned, several, GoldenCase.cached.first, guided].compactMap { $0 }
    }()

    private static let three = [DeviceName(.cpu, 0), DeviceName(.cpu, 1), DeviceName(.cpu, 2)]

    /// What is asked for, and whether the device is given a budget that holds some of the blocks alone.
    private static let requests: [(OffloadRequest, isTight: Bool)] = [
        (OffloadRequest(plan: .model), false), (OffloadRequest(plan: .sequential), true),
        (OffloadRequest(plan: .disk), true), (OffloadRequest(plan: .stream(residentBlocks: nil)), false),
        (OffloadRequest(plan: .stream(residentBlocks: nil)), true),
        (OffloadRequest(plan: .stream(residentBlocks: 1)), false),
        (OffloadRequest(plan: .balanced, devices: three), false),
        (OffloadRequest(plan: .guidance, devices: [three[0], three[1]]), false),
        (OffloadRequest(plan: .stream(residentBlocks: nil), devices: three), false),
    ]

    private func run(
        _ golden: GoldenCase, _ request: OffloadRequest, _ precision: ComputePrecision, limitBytes: Int? = nil
    ) throws -> Decomposition {
        let devices = request.devices.map { name in
            OffloadManager.Device(
                name: name,
                backend: CPUBackend(limitBytes: limitBytes, compute: precision, name: name.description))
        }
        let pipeline = try LayeredPipeline(model: golden.checkpoint, devices: devices, request: request)
        let result = try pipeline.decompose(
            try golden.picture(), parameters: golden.parameters, latents: try golden.latents())
        for device in devices { #expect(device.backend.memory.peakBytes <= limitBytes ?? .max) }
        return result
    }

    @Test(arguments: cases, [ComputePrecision.float32, .bfloat16])
    func everyPlanGivesTheSameLayers(_ golden: GoldenCase, _ precision: ComputePrecision) throws {
        let expected = try run(golden, OffloadRequest(plan: .resident), precision)
        // The least that any plan needs, and a little more, in which a few blocks fit.
        let least = try run(golden, OffloadRequest(plan: .sequential), precision).peakTensorBytes
        for (request, isTight) in Self.requests {
            let found = try run(golden, request, precision, limitBytes: isTight ? least * 11 / 10 : nil)
            let what = "\(golden.meta.name), \(request.plan?.description ?? "auto"), \(precision)"
            #expect(found.images == expected.images, "\(what)")
            #expect(found.caption == expected.caption, "\(what)")
        }
    }

    /// Each block on a device of its own kind of place: the first, the last and what lies between.
    @Test func explicitMapsGiveTheSameLayers() throws {
        let golden = try #require(Self.cases.last)
        let expected = try run(golden, OffloadRequest(plan: .resident), .float32)
        let blocks = try LayeredPipeline(model: golden.checkpoint, backend: CPUBackend()).model.transformer.numLayers
        let scattered = (0..<blocks).map { "transformer.transformer_blocks.\($0)=cpu:\($0 % 3)" }
        for transformer in [["transformer=cpu:2"], scattered, scattered.reversed()] {
            let entries = ["text_encoder=cpu:1", "vae=cpu:0"] + transformer
            let map = try DeviceMap(text: entries.joined(separator: ","))
            let found = try run(golden, OffloadRequest(plan: .deviceMap(map), devices: Self.three), .float32)
            #expect(found.images == expected.images, "\(map)")
            #expect(found.memory.stages.contains { $0.traffic.transferredBytes > 0 }, "\(map)")
        }
    }

    /// Each device computes one branch of every step; a job without guidance leaves the second one alone.
    @Test func guidanceHasADeviceABranch() throws {
        let golden = try #require(Self.cases.last)
        let request = OffloadRequest(plan: .guidance, devices: [Self.three[0], Self.three[1]])
        let devices = request.devices.map {
            OffloadManager.Device(name: $0, backend: CPUBackend(name: $0.description))
        }
        let pipeline = try LayeredPipeline(model: golden.checkpoint, devices: devices, request: request)
        for scale in [golden.parameters.trueCFGScale, 1] {
            var parameters = golden.parameters
            parameters.trueCFGScale = scale
            let result = try pipeline.decompose(
                try golden.picture(), parameters: parameters, latents: try golden.latents())
            let denoise = try #require(result.memory.stages.first { $0.name == "denoise" })
            let peaks = denoise.peaks.map(\.bytes)
            let isGuided = scale != 1
            #expect(isGuided ? peaks[1] > peaks[0] / 2 : peaks[1] < peaks[0] / 8, "\(peaks) with guidance of \(scale)")
            #expect((denoise.traffic.transferredBytes > 0) == isGuided)
            pipeline.release()
        }
        for wrong in [[DeviceName.cpu], Self.three] {
            #expect(throws: PlacementError.guidanceDevices(wrong)) {
                try OffloadManager(
                    devices: wrong.map { OffloadManager.Device(name: $0, backend: CPUBackend(name: $0.description)) },
                    request: OffloadRequest(plan: .guidance, devices: wrong), layout: ModelLayout(components: []))
            }
        }
    }

    @Test func mapsThatDoNotFitTheModelAreRefused() throws {
        let golden = try #require(Self.cases.last)
        for (text, part) in [
            ("text_encoder=cpu,transformer=cpu", "leaves out vae"),
            ("text_encoder=cpu,vae=cpu,transformer.transformer_blocks.0=cpu", "of transformer.transformer_blocks"),
            ("text_encoder=cpu,vae=cpu,transformer=cpu:3", "there is no device cpu:3"),
            ("text_encoder=cpu,vae=cpu,transformer=cpu,transformer.transformer_blocks.0=cpu", "named twice"),
            ("unet=cpu", "does not have"),
        ] {
            let map = try DeviceMap(text: text)
            let error = #expect(throws: PipelineError.self) {
                try run(golden, OffloadRequest(plan: .deviceMap(map), devices: Self.three), .float32)
            }
            #expect(error?.description.contains(part) == true, "\(error.map { "\($0)" } ?? "nothing") for \(text)")
        }
    }

    /// What was read ahead and passed over by the first block cache is not read again.
    @Test func passedOverBlocksAreReadOnce() throws {
        let golden = try #require(GoldenCase.cached.first)
        let backend = CPUBackend(compute: .float32)
        let device = OffloadManager.Device(name: DeviceName(.cpu, 0), backend: backend)
        let pipeline = try LayeredPipeline(
            model: golden.checkpoint, devices: [device], request: OffloadRequest(plan: .stream(residentBlocks: 0)))
        func read(_ threshold: Double?) throws -> (bytes: Double, reused: Int) {
            var parameters = golden.parameters
            parameters.firstBlockCache = threshold
            let result = try pipeline.decompose(
                try golden.picture(), parameters: parameters, latents: try golden.latents())
            let bytes = result.memory.steps.reduce(0) { $0 + $1.readBytes }
            return (Double(bytes), result.reusedPasses ?? 0)
        }
        let (plain, cached) = (try read(nil), try read(golden.parameters.firstBlockCache))
        // Two blocks a step, of which the second is spared where both branches reuse what it added before; what is read
        // ahead at the end belongs to the next job.
        let block = plain.bytes / Double(2 * golden.parameters.numInferenceSteps)
        #expect(cached.reused == 6 && cached.bytes <= plain.bytes - 2 * block, "\(cached) of \(plain)")
    }

    /// A budget is a hard limit: what does not fit fails, and says so; a budget that fits more reads less.
    @Test func budgetsAreKept() throws {
        let golden = try #require(Self.cases.last)
        let least = try run(golden, OffloadRequest(plan: .sequential), .float32).peakTensorBytes
        #expect(throws: PipelineError.self) {
            try run(golden, OffloadRequest(plan: .sequential), .float32, limitBytes: least / 2)
        }
        let error = #expect(throws: PipelineError.self) {
            try run(golden, OffloadRequest(), .float32, limitBytes: 1 << 16)
        }
        #expect(error?.description.contains("too little for any plan") == true)
        var reads: [Int] = []
        for percent in [100, 105, 110, 120, 150, 300] {
            let found = try run(
                golden, OffloadRequest(plan: .stream(residentBlocks: nil)), .float32, limitBytes: least * percent / 100)
            reads.append(found.memory.steps.reduce(0) { $0 + $1.readBytes })
        }
        #expect(reads == reads.sorted(by: >))
        #expect(Set(reads).count > 1)
    }

    /// Three devices under one bound for the host: together they keep to it, and the layers stay the same.
    @Test func devicesShareTheHostsBudget() throws {
        let golden = try #require(Self.cases.last)
        let expected = try run(golden, OffloadRequest(plan: .resident), .float32)
        let least = try run(golden, OffloadRequest(plan: .sequential), .float32).peakTensorBytes
        let limit = least * 3 / 2
        let shared = SharedMemoryLimit(limitBytes: limit)
        let devices = Self.three.map { name in
            OffloadManager.Device(name: name, backend: CPUBackend(name: name.description, shared: shared))
        }
        let pipeline = try LayeredPipeline(
            model: golden.checkpoint, devices: devices, request: OffloadRequest(plan: .balanced, devices: Self.three))
        let found = try pipeline.decompose(
            try golden.picture(), parameters: golden.parameters, latents: try golden.latents())
        #expect(found.images == expected.images)
        #expect(found.memory.peakBytes <= limit)
    }

    /// A tensor of another device never reaches an operation silently.
    @Test func devicesAreNotMixed() throws {
        let (one, other) = (CPUBackend(name: "cpu:0"), CPUBackend(name: "cpu:1"))
        let here = try one.upload([1, 2], [1, 2])
        let there = try other.upload([3, 4], [1, 2])
        let mixed = TensorError.wrongDevice(operation: "accumulate", device: "cpu:0", found: "cpu:1")
        #expect(throws: mixed) { try one.accumulate(here, there) }
        #expect(mixed.description == "accumulate on cpu:0 was given a tensor that lies on cpu:1")
        #expect(throws: TensorError.self) { try one.download(there) }
        try one.accumulate(here, try one.receive(there, from: other))
        #expect(try one.download(here) == [4, 6])
    }
}
