import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing
import Weights

/// Memory that runs out at any allocation: the job fails and says where, nothing is left behind, the next job works.
struct OutOfMemoryTests {
    private static let stages = Set(PipelineStage.allCases)

    /// A small job with guidance; what repeats allocates the same again.
    private static func parameters() throws -> DecompositionParameters {
        var options = DecompositionOptions()
        options.prompt = "A red square."
        options.layers = 1
        options.numInferenceSteps = 1
        options.resolution = 64
        options.seed = 3
        options.maxSequenceLength = 16
        return try options.resolved(with: ModelDefaults())
    }

    private static func picture() throws -> PixelBuffer {
        try PixelBuffer(width: 40, height: 40, bytes: (0..<40 * 40 * 4).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    }

    /// A budget that does not even do for opening the model is refused as any other that is too small, with a least one
    /// that does.
    @Test(arguments: ["resident", "stream", "disk", nil])
    func aBudgetTooSmallToOpenTheModel(_ plan: String?) throws {
        let model = try ModelFolder(GoldenCase.root.appendingPathComponent("checkpoints/tiny"))
        func open(_ budget: Int) throws -> LayeredPipeline {
            let backend = CPUBackend(threads: 2, limitBytes: budget)
            return try LayeredPipeline(
                model: model, devices: [OffloadManager.Device(name: .cpu, backend: backend)],
                request: OffloadRequest(plan: try plan.flatMap { try OffloadPlan.read($0) }, devices: [.cpu]))
        }
        let error = #expect(throws: PipelineError.self) { try open(16) }
        guard case .placement(.budgetTooSmall(.cpu, plan, 16, let least)) = error else {
            Issue.record("\(error?.description ?? "no error")")
            return
        }
        #expect(error?.description.contains("at least") == true)
        let usual = try model.parameters(for: DecompositionOptions())
        let opened = try open(least)
        #expect(
            try opened.planner.plan(usual, pictureWidth: usual.resolution, pictureHeight: usual.resolution).chosen
                != nil)
        #expect(
            try open(least - 1).planner
                .plan(usual, pictureWidth: usual.resolution, pictureHeight: usual.resolution).chosen == nil)
    }

    /// Each allocation of a job fails in turn, those that bring weights included: they are dropped before each job.
    @Test(arguments: ComputePrecision.allCases)
    func everyAllocationMayFail(_ precision: ComputePrecision) throws {
        let model = GoldenCase.root.appendingPathComponent("checkpoints/tiny")
        let backend = CPUBackend(threads: 2, compute: precision)
        let opened = try LayeredPipeline(model: model, backend: backend)
        let picture = try Self.picture()
        let parameters = try Self.parameters()
        let expected = try opened.decompose(picture, parameters: parameters).images
        opened.release()
        let baseline = backend.memory.usedBytes
        let first = backend.allocationCount
        _ = try opened.decompose(picture, parameters: parameters)
        let count = backend.allocationCount - first
        opened.release()
        #expect(count > 100)
        var seen: Set<PipelineStage> = []
        for index in 0..<count {
            backend.failAllocation(after: index)
            do {
                _ = try opened.decompose(picture, parameters: parameters)
                Issue.record("allocation \(index) of \(count) did not fail")
            } catch .outOfMemory(let stage, .outOfMemory(_, let needed, _, _), _) {
                seen.insert(stage)
                #expect(needed > 0)
            }
            opened.release()
            #expect(backend.memory.usedBytes == baseline, "allocation \(index) of \(count) leaks")
        }
        #expect(seen == Self.stages.subtracting([.caption]))
        backend.failAllocation(after: nil)
        #expect(try opened.decompose(picture, parameters: parameters).images == expected)
    }

    /// After a failure the same pipeline, with what it has loaded by then, does the next job.
    @Test func theNextJobSucceeds() throws {
        let model = GoldenCase.root.appendingPathComponent("checkpoints/tiny")
        let backend = CPUBackend(threads: 2)
        let pipeline = try LayeredPipeline(model: model, backend: backend)
        let picture = try Self.picture()
        let parameters = try Self.parameters()
        let expected = try pipeline.decompose(picture, parameters: parameters).images
        let loaded = backend.memory.usedBytes
        let first = backend.allocationCount
        _ = try pipeline.decompose(picture, parameters: parameters)
        let count = backend.allocationCount - first
        for index in stride(from: 0, to: count, by: 7) {
            backend.failAllocation(after: index)
            #expect(throws: PipelineError.self) { try pipeline.decompose(picture, parameters: parameters) }
            backend.failAllocation(after: nil)
            #expect(backend.memory.usedBytes == loaded)
            #expect(try pipeline.decompose(picture, parameters: parameters).images == expected)
        }
    }

    /// The same while a caption is written: the vision tower, the prompt, and the first tokens after it, which all
    /// others repeat.
    @Test func captionsFailToo() throws {
        let model = GoldenCase.root.appendingPathComponent("checkpoints/tiny")
        let backend = CPUBackend(threads: 2)
        let encoder = try Qwen25VLTextEncoder(modelFolder: model, offload: OffloadManager(backend))
        let picture = try Self.picture()
        let baseline = backend.memory.usedBytes
        let first = backend.allocationCount
        let expected = try encoder.caption(picture, language: .english, maxNewTokens: 3)
        let count = backend.allocationCount - first
        encoder.release()
        for index in 0..<count {
            backend.failAllocation(after: index)
            #expect(throws: PipelineError.self) {
                try encoder.caption(picture, language: .english, maxNewTokens: 3)
            }
            encoder.release()
            #expect(backend.memory.usedBytes == baseline, "allocation \(index) of \(count) leaks")
        }
        backend.failAllocation(after: nil)
        #expect(try encoder.caption(picture, language: .english, maxNewTokens: 3) == expected)
    }
}
