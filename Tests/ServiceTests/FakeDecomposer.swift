import Dispatch
import Foundation
import ImageCodecs
import LayerFitting
import QwenImage
import ServiceAPI
import Synchronization
import TensorCore
import Weights

/// An engine that paints layers at once, or holds its job until it is let go.
final class FakeDecomposer: LayerDecomposer {
    let modelName = "fake"
    let hasCaptioner = true
    let loras = [LoRA(file: URL(fileURLWithPath: "/loras/line, art.safetensors"), weight: 0.5)]
    let memoryLimitBytes: Int?
    private let hostLimitBytes: Int?
    let others: [any LayerDecomposer]
    let caches = [CacheFigures(name: "caption", hits: 1, misses: 2)]
    let started = Counter()
    let finished = Counter()
    let cancelled = Counter()
    /// The last job that was forecast: what there was beside a layer that is split, and the picture's size.
    let lastPlanned = Mutex<(others: OtherLayers?, width: Int, height: Int)?>(nil)
    /// What there was beside the layer of the last job.
    let lastOthers = Mutex<OtherLayers?>(nil)
    private let gate: DispatchSemaphore?
    private let failure: PipelineError?
    let fault: String?

    /// With `holds`, each job waits for `letGo` or its cancellation.
    /// Jobs take as many bytes as a layer has pixels, times the layers, and of the host 10 more.
    init(
        holds: Bool = false, failure: PipelineError? = nil, memoryLimitBytes: Int? = nil,
        hostLimitBytes: Int? = nil, fault: String? = nil, others: [FakeDecomposer] = []
    ) {
        self.fault = fault
        self.others = others
        self.memoryLimitBytes = memoryLimitBytes
        self.hostLimitBytes = hostLimitBytes
        gate = holds ? DispatchSemaphore(value: 0) : nil
        self.failure = failure
    }

    func letGo() { gate?.signal() }

    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters {
        var defaults = ModelDefaults()
        defaults.resolution = 64
        defaults.layers = 2
        return try options.resolved(with: defaults)
    }

    func plan(
        for parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?, width: Int, height: Int
    ) throws(PipelineError) -> PlanManifest {
        lastPlanned.withLock { $0 = (others, width, height) }
        var work = Work()
        work.productOperations = 1_000_000
        let bytes = parameters.resolution * parameters.resolution * parameters.layers
        let stage = StageForecast(
            stage: .denoise, peaks: [StageUse.Peak(device: .cpu, bytes: bytes)], heldWeightBytes: 0,
            sharedWeightBytes: 100,
            process: ProcessMeter.Bytes(ownBytes: bytes, mappedBytes: 100, hostBytes: 10),
            readBytes: 100, weightBytes: 100, movedBytes: 0, work: work, repetitions: parameters.numInferenceSteps,
            readBytesARepetition: 0)
        func refusal(_ place: PlanRefusal.Place, _ bytes: Int, _ limit: Int?) -> PlanRefusal? {
            guard let limit, bytes > limit else { return nil }
            return PlanRefusal(place: place, stage: .denoise, neededBytes: bytes, limitBytes: limit)
        }
        let candidate = PlanCandidate(
            plan: .resident, usesTiles: false,
            forecast: JobForecast(width: width, height: height, stages: [stage]),
            refusal: refusal(.device, bytes, memoryLimitBytes) ?? refusal(.host, bytes + 10, hostLimitBytes))
        return PlanManifest(
            PlanForecast(
                candidates: [candidate], budgetBytes: memoryLimitBytes, hostBudgetBytes: hostLimitBytes),
            parameters: parameters, model: modelName, device: "fake", precision: "float32",
            rates: DeviceRates(
                productOperations: 1e9, attentionOperations: 1e9, convolutionOperations: 1e9, memoryBytes: 1e9,
                storageBytes: 1e9, operationSeconds: 1e-6, source: "measured"))
    }

    func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?,
        cancellation: Cancellation, preview: PreviewWatch, progress: @escaping @Sendable (PipelineProgress) -> Void
    ) throws(PipelineError) -> Decomposition {
        lastOthers.withLock { $0 = others }
        started.add()
        if let gate {
            while gate.wait(timeout: .now() + 0.005) == .timedOut {
                if cancellation.isCancelled {
                    cancelled.add()
                    throw .cancelled
                }
            }
        }
        if let failure { throw failure }
        progress(PipelineProgress(stage: .denoise, completed: 1, total: 1, fraction: 1))
        if preview.isWanted(), let picture = try? Self.layer(image: 0, index: 1) { preview.show(picture) }
        defer { finished.add() }
        do {
            let images = try (0..<parameters.numImagesPerPrompt).map { image in
                try (0..<parameters.layers).map { try Self.layer(image: image, index: $0) }
            }
            return Decomposition(
                images: images, parameters: parameters, caption: parameters.needsCaption ? "a caption" : nil,
                width: Self.width, height: Self.height, stageSeconds: [(.denoise, 0.25), (.decode, 0.5)],
                peakTensorBytes: 0, loras: loras)
        } catch {
            throw .model(file: "fake", problem: "\(error)")
        }
    }

    static let width = 6
    static let height = 4

    /// The bottom layer is full, the next ones are one row of pixels each, those above the fourth are empty.
    static func layer(image: Int, index: Int) throws -> PixelBuffer {
        var bytes = [UInt8](repeating: 0, count: width * height * 4)
        for y in 0..<height where index == 0 || y == index {
            for x in (index == 0 ? 0 : 1)..<(width - (index == 0 ? 0 : 2)) {
                let place = (y * width + x) * 4
                bytes.replaceSubrange(place..<(place + 4), with: [UInt8(index), UInt8(image), 9, 255])
            }
        }
        return try PixelBuffer(width: width, height: height, bytes: bytes)
    }
}
