import CPUBackend
import Foundation
import HostLimits
import QwenImage
import TensorCore
import Weights

/// Measures how fast a backend does what a model of certain sizes asks for; takes a second or two.
struct Calibration {
    private let backend: any Backend
    private let transformer: TransformerConfiguration
    private let autoencoder: AutoencoderConfiguration
    /// How the checkpoint stores matrices.
    private let dtype: DType
    /// What the transformer's are converted to, in which most of a job's products are; nil for as they are stored.
    private let form: WeightForm?
    /// A large file of the model, for the speed of storage.
    private let file: URL?

    init(backend: any Backend, model: ModelFolder) {
        self.backend = backend
        transformer = model.transformer
        autoencoder = model.autoencoder
        dtype = model.transformerDType
        form = model.weightForms.transformer
        file = model.largestFile
    }

    /// Names what the figures depend on: the processor, how it computes, and the model's sizes.
    func key(_ machine: RateSource.Machine) -> String {
        let processor = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)).flatMap(ProcessorName.found)
        let count = machine.threads ?? ProcessorCount.available
        let sizes = "\(transformer.numAttentionHeads)x\(transformer.attentionHeadDim), \(autoencoder.baseDim)"
        let weights = form?.precision.rawValue ?? dtype.rawValue
        return "\(backend.name), \(processor ?? "unknown processor"), \(count) threads, \(machine.compute.rawValue),"
            + " \(weights) weights, \(sizes), \(file?.deletingLastPathComponent().path ?? "")"
    }

    private static let rows = 512
    private static let attentionTokens = 1024
    private static let pictureSide = 96
    private static let memoryElements = 16 << 20
    /// Times that everything is measured. The best counts: what else runs on the machine rarely slows the same figure
    /// each time.
    private static let rounds = 3
    /// If a file is too small to tell; an ordinary solid-state disk.
    private static let usualStorageBytes = 1e9

    /// What was measured, and whether that was with the processors to itself.
    struct Measurement {
        let rates: DeviceRates
        /// The part of the processors that was free in the quietest round, 0 to 1.
        let share: Double
    }

    /// The best of a few rounds.
    /// - Parameter threads: as many as the backend has; as many as there are processors if nil.
    func measure(threads: Int?) throws -> Measurement {
        // More threads than processors would take time from each other.
        let threads = min(threads ?? .max, ProcessorCount.available)
        var best: DeviceRates?
        var quietest = 0.0
        var before = ProcessorShare.measured(threads: threads)
        for _ in 0..<Self.rounds {
            let rates = try measureOnce()
            let after = ProcessorShare.measured(threads: threads)
            quietest = max(quietest, min(before, after))
            before = after
            best = best?.best(with: rates) ?? rates
        }
        return Measurement(rates: try best ?? measureOnce(), share: quietest)
    }

    private func measureOnce() throws -> DeviceRates {
        let memory = try memoryBytes()
        return DeviceRates(
            productOperations: try productOperations(), attentionOperations: try attentionOperations(),
            convolutionOperations: try convolutionOperations(), memoryBytes: memory,
            storageBytes: StorageSpeed.bytesPerSecond(of: file) ?? Self.usualStorageBytes,
            operationSeconds: try operationSeconds(), source: "measured")
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        try BenchTimes(warmup: 1, repetitions: 1, body).minimum
    }

    private func productOperations() throws -> Double {
        let (inner, outer) = (transformer.innerDim, transformer.mlpDim)
        let isKept = dtype == .float32 || dtype.block.map { inner.isMultiple(of: $0.elements) } == true
        let source = SyntheticSource(dtype: isKept ? dtype : .bfloat16, isFilled: true)
        let weight = try backend.blockWeight(
            try source.tensor(named: "calibration", shape: [outer, inner]), as: form)
        let layer = Linear(weight: weight, bias: nil)
        let input = try SyntheticValues.tensor([Self.rows, inner], on: backend)
        let output = try backend.empty([Self.rows, outer])
        let time = try seconds { try backend.linear(input, layer, into: output) }
        return Double(2 * Self.rows * inner * outer) / time
    }

    private func attentionOperations() throws -> Double {
        let layout = AttentionLayout(heads: transformer.numAttentionHeads, headSize: transformer.attentionHeadDim)
        let tokens = try SyntheticValues.tensor([Self.attentionTokens, transformer.innerDim], on: backend)
        let output = try backend.empty(tokens.shape)
        let time = try seconds { try backend.attention(tokens, tokens, tokens, layout, into: output) }
        return Double(4 * transformer.innerDim * Self.attentionTokens * Self.attentionTokens) / time
    }

    private func convolutionOperations() throws -> Double {
        let channels = autoencoder.baseDim
        let source = SyntheticSource(dtype: .float32, isFilled: true)
        let layer = Convolution(
            weight: try backend.convolutionWeight(
                try source.tensor(named: "calibration", shape: [channels, channels, 3, 3])),
            bias: try backend.upload([Float](repeating: 0, count: channels), [channels]))
        let side = Self.pictureSide
        let picture = try SyntheticValues.tensor([side, side, channels], on: backend)
        let time = try seconds { _ = try backend.convolution(picture, layer, .same(kernel: 3)) }
        return Double(2 * side * side * channels * channels * 9) / time
    }

    private func memoryBytes() throws -> Double {
        let source = try backend.empty([Self.memoryElements])
        let target = try backend.empty([Self.memoryElements])
        let time = try seconds { try backend.copy(source, into: target) }
        return Double(2 * Self.memoryElements * DType.float32.byteCount) / time
    }

    private func operationSeconds() throws -> Double {
        let vector = try backend.empty([64])
        let count = 1000
        return try seconds {
            for _ in 0..<count { try backend.eulerStep(vector, prediction: vector, delta: 0) }
        } / Double(count)
    }
}

extension DeviceRates {
    /// The quicker of two measurements, figure by figure.
    func best(with other: DeviceRates) -> DeviceRates {
        DeviceRates(
            productOperations: max(productOperations, other.productOperations),
            attentionOperations: max(attentionOperations, other.attentionOperations),
            convolutionOperations: max(convolutionOperations, other.convolutionOperations),
            memoryBytes: max(memoryBytes, other.memoryBytes), storageBytes: max(storageBytes, other.storageBytes),
            operationSeconds: min(operationSeconds, other.operationSeconds), source: source)
    }
}
