import TensorCore
import Weights

/// The transformer's part of a job by itself, for measuring: modulation and the loop, on prompts of random numbers.
package final class MeasuredDenoising {
    /// What is denoised.
    package struct Work {
        /// Side of the square picture in pixels, layers, steps, and tokens of each of the two prompts.
        package var resolution: Int
        package var layers: Int
        package var steps: Int
        package var promptTokens: Int

        /// A square picture with guidance.
        package init(resolution: Int, layers: Int, steps: Int, promptTokens: Int) {
            self.resolution = resolution
            self.layers = layers
            self.steps = steps
            self.promptTokens = promptTokens
        }
    }

    /// What a step took.
    package struct Step {
        /// Wall seconds, and what was moved. On a device steps between the first and the last one end when all their
        /// work was asked for: only the sum over them tells what they took.
        package let seconds: Double
        package let traffic: OffloadTraffic
    }

    private let model: ModelFolder
    private let transformer: QwenImageTransformer2DModel
    private let offload: OffloadManager
    private let backend: any Backend
    private let clock = ContinuousClock()

    /// Wall seconds by stage, and by step.
    package private(set) var stageSeconds: [(name: String, seconds: Double)] = []
    package private(set) var steps: [Step] = []
    /// Wall seconds of a step with both branches, the mean of all after the first; nil if there was one alone.
    package var secondsPerStep: Double? {
        steps.count < 2 ? nil : steps.dropFirst().reduce(0) { $0 + $1.seconds } / Double(steps.count - 1)
    }
    /// The latents at the end, [frames * tokens, channels] row-major.
    package private(set) var latents: [Float] = []

    /// Opens the transformer of a model folder. Throws what a missing or misshapen tensor throws.
    package init(model: ModelFolder, offload: OffloadManager) throws(PipelineError) {
        self.model = model
        self.offload = offload
        backend = offload.root(of: .transformer)
        transformer = try PipelineError.converting { () throws(WeightsError) in
            try QwenImageTransformer2DModel(
                configuration: model.transformer, source: model.transformerSource, offload: offload)
        }
    }

    /// Runs it once.
    package func run(_ work: Work) throws(PipelineError) {
        do {
            offload.beginJob()
            defer { offload.endJob() }
            try denoise(work)
        } catch {
            throw PipelineError(wrapping: error)
        }
    }

    private static let guidanceScale: Float = 4

    private func denoise(_ work: Work) throws {
        let scale = 2 * model.autoencoder.scaleFactor
        let geometry = LatentGeometry(
            channels: model.autoencoder.zDim, tokenHeight: work.resolution / scale,
            tokenWidth: work.resolution / scale)
        let frames = work.layers + 1
        var scheduler = model.scheduler
        try scheduler.setTimesteps(
            sigmas: FlowMatchEulerDiscreteScheduler.defaultSigmas(steps: work.steps),
            mu: FlowMatchEulerDiscreteScheduler.mu(conditionTokens: geometry.frameTokens))
        let branches = try stage(.encodePrompt) {
            try (0..<2).map { index in
                try transformer.branch(
                    promptEmbeds: noise([work.promptTokens, model.transformer.jointAttentionDim], seed: index),
                    isNegative: index > 0, frames: frames, height: geometry.tokenHeight, width: geometry.tokenWidth)
            }
        }
        let schedule = try stage(.modulation) {
            try transformer.schedule(timesteps: scheduler.timesteps.map { $0 / 1000 })
        }
        try stage(.denoise) {
            let states = try noise([(frames + 1) * geometry.frameTokens, geometry.tokenChannels], seed: 2)
            let latents = states.rows(0..<(frames * geometry.frameTokens))
            for step in 0..<work.steps {
                let start = clock.now
                let before = offload.traffic
                let outputs = try transformer(
                    states, branches: branches, schedule: schedule, step: step, continues: step + 1 < work.steps
                ).map { $0.rows(0..<latents.shape[0]) }
                let prediction = try backend.guidance(
                    positive: outputs[0], negative: outputs[1], scale: Self.guidanceScale, normalize: false)
                try backend.eulerStep(latents, prediction: prediction, delta: scheduler.sigmaDelta(step: step))
                // A device is waited for after the first step, which reads the weights, and after the last one: between
                // them a job does not wait either, and copies for the next step begin during this one.
                if step == 0 || step + 1 == work.steps { try backend.synchronize() }
                steps.append(
                    Step(seconds: (clock.now - start) / .seconds(1), traffic: offload.traffic.since(before)))
            }
            self.latents = try backend.download(latents)
        }
    }

    private func stage<Result>(_ stage: PipelineStage, _ body: () throws -> Result) throws -> Result {
        let start = clock.now
        let result = try offload.stage(stage.rawValue, of: ModelComponent.transformer.rawValue, body)
        stageSeconds.append((stage.rawValue, (clock.now - start) / .seconds(1)))
        return result
    }

    private func noise(_ shape: Shape, seed: Int) throws(TensorError) -> Tensor {
        var source = NoiseSource(kind: .cpu, seed: UInt64(seed))
        return try backend.upload(source.randn(count: shape.elementCount, dtype: .float32), shape)
    }
}
