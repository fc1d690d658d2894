import ImageCodecs
import TensorCore
import Weights

/// One decomposition on its way through the stages.
final class LayeredJob {
    let pipeline: LayeredPipeline
    let size: OutputSize
    let hooks: LayeredPipeline.Hooks
    let geometry: LatentGeometry
    private(set) var parameters: DecompositionParameters
    let clock = StageClock()
    private var stepTraffic: [OffloadTraffic] = []
    /// Passes of a branch through the transformer of which all blocks but the first were spared.
    private var reusedPasses = 0

    var backend: any Backend { pipeline.backend }
    var offload: OffloadManager { pipeline.offload }
    /// How the autoencoder takes its pictures; nil whole.
    private let tiling: AutoencoderTiling?
    /// Frames made anew: the whole picture, then the layers.
    var frames: Int { parameters.layers + 1 }

    init(
        pipeline: LayeredPipeline, size: OutputSize, parameters: DecompositionParameters, hooks: LayeredPipeline.Hooks,
        usesTiles: Bool
    ) {
        tiling = usesTiles ? .reference : nil
        self.pipeline = pipeline
        self.size = size
        self.parameters = parameters
        self.hooks = hooks
        let autoencoder = pipeline.model.autoencoder
        geometry = LatentGeometry(
            channels: autoencoder.zDim, tokenHeight: size.height / (2 * autoencoder.scaleFactor),
            tokenWidth: size.width / (2 * autoencoder.scaleFactor))
    }

    func run(_ picture: PixelBuffer, latents: [Float]?) throws -> Decomposition {
        try checkCount(of: latents)
        var resized = try Resampler.resize(picture, width: size.width, height: size.height, filter: .lanczos)
        if pipeline.model.defaults.alpha == false { resized = try PlainGround.under(resized) }
        let caption = try captionIfNeeded(resized)
        if let caption { parameters.prompt = caption }
        let results = try denoised(resized, latents: latents)
        let images = try stage(.decode, of: .vae) { try decode(results) }
        var memory = JobMemory()
        memory.plan = offload.plan.description
        memory.stages = offload.stages
        memory.steps = stepTraffic
        return Decomposition(
            images: images, parameters: parameters, caption: caption, width: size.width, height: size.height,
            stageSeconds: clock.stageSeconds, peakTensorBytes: memory.stages.map(\.peakBytes).max() ?? 0,
            memory: memory, loras: pipeline.model.loras,
            reusedPasses: parameters.firstBlockCache == nil ? nil : reusedPasses,
            hasFlatRegions: pipeline.model.defaults.flatRegions ?? false)
    }

    /// By image, the tokens of all frames. What only the loop needs (modulations, angles, prompts) is gone when this
    /// returns.
    private func denoised(_ resized: PixelBuffer, latents: [Float]?) throws -> [Tensor] {
        let branches = try stage(.encodePrompt, of: .textEncoder) { try encodePrompts() }
        let condition = try stage(.encodeImage, of: .vae) { try encode { PixelConversion.signedFloats(resized) } }
        var results: [Tensor] = []
        let (drawn, schedule) = try stage(.modulation, of: .transformer) {
            (try noise(given: latents), try prepareSchedule(conditionTokens: condition.shape[0]))
        }
        for index in drawn.indices {
            let result = try stage(.denoise, of: .transformer) {
                try denoise(
                    drawn[index], index, condition: condition, branches: branches, schedule: schedule,
                    steps: 0..<parameters.numInferenceSteps)
            }
            results.append(result)
        }
        return results
    }

    /// A part of the job in which one component works; the others make room if the plan says so.
    func stage<Result>(
        _ stage: PipelineStage, of component: ModelComponent, _ body: () throws -> Result
    ) throws -> Result {
        if offload.takesTurns {
            if component != .textEncoder { pipeline.textEncoder.release() }
            if component != .vae { pipeline.autoencoder.release() }
        }
        return try clock.time(stage) { try offload.stage(stage.rawValue, of: component.rawValue, body) }
    }

    // MARK: Before the loop

    private func captionIfNeeded(_ picture: PixelBuffer) throws -> String? {
        guard parameters.needsCaption, pipeline.model.defaults.captioner ?? true else { return nil }
        return try stage(.caption, of: .textEncoder) {
            let language: CaptionLanguage = parameters.useEnPrompt ? .english : .chinese
            if let known = hooks.textCache?.caption(of: picture, language: language) { return known }
            let caption = try pipeline.textEncoder.caption(
                picture, language: language, cancellation: hooks.cancellation, observer: hooks.observer,
                progress: { self.report(.caption, $0, $1) })
            hooks.textCache?.keep(caption: caption.text, of: picture, language: language)
            return caption.text
        }
    }

    /// The conditional branch, then, with guidance, the unconditional one.
    private func encodePrompts() throws -> [QwenImageTransformer2DModel.Branch] {
        var branches: [QwenImageTransformer2DModel.Branch] = []
        for (index, (name, prompt)) in prompts.enumerated() {
            report(.encodePrompt, index, prompts.count)
            // The text encoder shows its layers for the first prompt only; both embeddings are shown here.
            let encoded = try embedding(
                of: prompt, continues: index + 1 < prompts.count, observer: index == 0 ? hooks.observer : nil)
            if index > 0 { try hooks.observer?.record(name, encoded.batchOfOne) }
            branches.append(try branch(encoded, isNegative: index > 0))
        }
        report(.encodePrompt, prompts.count, prompts.count)
        return branches
    }

    /// The prompts to embed, each under the name that its embedding has in the reference.
    var prompts: [(name: String, text: String)] {
        let conditional = ("prompt_embeds", parameters.prompt ?? "")
        guard parameters.doTrueCFG else { return [conditional] }
        return [conditional, ("negative_prompt_embeds", parameters.negativePrompt ?? "")]
    }

    /// The guidance branch of an embedding.
    func branch(_ promptEmbeds: Tensor, isNegative: Bool) throws(TensorError) -> QwenImageTransformer2DModel.Branch {
        let embeds = try offload.transfer(promptEmbeds, from: offload.root(of: .textEncoder), to: backend)
        return try pipeline.transformer.branch(
            promptEmbeds: embeds, isNegative: isNegative, frames: frames, height: geometry.tokenHeight,
            width: geometry.tokenWidth)
    }

    /// [tokens, hidden], from the cache if it has it; not where an observer is to see all that is computed.
    private func embedding(
        of prompt: String, continues: Bool, observer: (any TensorObserver)?
    ) throws -> Tensor {
        let backend = offload.root(of: .textEncoder)
        let length = parameters.maxSequenceLength
        if observer == nil, let known = hooks.textCache?.embedding(of: prompt, maxSequenceLength: length) {
            return try backend.upload(known.values, [known.values.count / known.width, known.width])
        }
        let embeds = try pipeline.textEncoder.encode(
            prompt, maxSequenceLength: length, continues: continues, cancellation: hooks.cancellation,
            observer: observer)
        try checkNumbers(embeds, of: "the text encoder", on: backend)
        if let cache = hooks.textCache {
            let embedding = PromptEmbedding(values: try backend.download(embeds), width: embeds.shape[1])
            cache.keep(embedding, of: prompt, maxSequenceLength: length)
        }
        return embeds
    }

    /// The condition's tokens [frameTokens, channels * 4] of a picture [height, width, 4], -1...1.
    func encode(_ picture: () -> [Float]) throws -> Tensor {
        report(.encodeImage, 0, 1)
        try hooks.cancellation.check()
        let backend = offload.root(of: .vae)
        let pixels = try backend.upload([size.height, size.width, 4], picture)
        let latent = try pipeline.autoencoder.encode(
            pixels, tiling: tiling, cancellation: hooks.cancellation, observer: hooks.observer)
        try checkNumbers(latent, of: "the autoencoder", on: backend)
        if hooks.preview != nil { try pipeline.prepareProjection(within: geometry) }
        backend.releaseUnusedMemory()
        report(.encodeImage, 1, 1)
        return try offload.transfer(
            try geometry.pack(latent: latent, on: backend), from: backend, to: self.backend)
    }

    private var noiseShape: [Int] {
        [parameters.numImagesPerPrompt, frames * geometry.frameTokens, geometry.tokenChannels]
    }

    private func checkCount(of latents: [Float]?) throws(PipelineError) {
        guard let latents, latents.count != noiseShape.reduce(1, *) else { return }
        throw .latentsShape(expected: noiseShape, found: [latents.count])
    }

    /// By image, packed noise [frames * frameTokens, channels * 4];
    /// drawn in one call for all images, as the reference does.
    func noise(given latents: [Float]?) throws -> [Tensor] {
        let imageCount = parameters.numImagesPerPrompt
        let elements = noiseShape[1] * noiseShape[2]
        if let latents {
            return try (0..<imageCount).map { index in
                try backend.upload(
                    Array(latents[(index * elements)..<((index + 1) * elements)]), [noiseShape[1], noiseShape[2]])
            }
        }
        lazy var values = drawnNoise(count: imageCount * elements)
        return try (0..<imageCount).map { index in
            let shape: Shape = [frames, geometry.channels, 2 * geometry.tokenHeight, 2 * geometry.tokenWidth]
            let frames = try backend.upload(shape) {
                imageCount == 1 ? values : Array(values[(index * elements)..<((index + 1) * elements)])
            }
            return try geometry.pack(frames: frames, on: backend)
        }
    }

    private func drawnNoise(count: Int) -> [Float] {
        var source = NoiseSource(kind: parameters.generator, seed: parameters.seed)
        return source.randn(count: count, dtype: parameters.dtype)
    }

    // MARK: The loop

    /// The scheduler, its steps decided, and all modulations.
    struct PreparedSchedule {
        let scheduler: FlowMatchEulerDiscreteScheduler
        let modulation: QwenImageTransformer2DModel.Schedule
    }

    func prepareSchedule(conditionTokens: Int) throws -> PreparedSchedule {
        var scheduler = pipeline.model.scheduler
        try scheduler.setTimesteps(
            sigmas: FlowMatchEulerDiscreteScheduler.defaultSigmas(steps: parameters.numInferenceSteps),
            mu: FlowMatchEulerDiscreteScheduler.mu(conditionTokens: conditionTokens))
        if let observer = hooks.observer {
            try observer.record(
                "scheduler.sigmas", try backend.upload(scheduler.sigmas, [scheduler.sigmas.count]))
            try observer.record(
                "scheduler.timesteps", try backend.upload(scheduler.timesteps, [scheduler.timesteps.count]))
        }
        let blockCount = pipeline.transformer.configuration.numLayers
        let modulation = try pipeline.transformer.schedule(
            timesteps: scheduler.timesteps.map { $0 / 1000 }, hasGuidance: parameters.doTrueCFG
        ) { (done) throws(WeightsError) in
            if hooks.cancellation.isCancelled { throw .tensor(.cancelled) }
            report(.modulation, done, blockCount)
        }
        return PreparedSchedule(scheduler: scheduler, modulation: modulation)
    }

    /// Runs steps on one image's noise; the result is [frames * frameTokens, channels * 4]. `afterStep` is called after
    /// each.
    func denoise(
        _ noise: Tensor, _ imageIndex: Int, condition: Tensor, branches: [QwenImageTransformer2DModel.Branch],
        schedule: PreparedSchedule, steps: Range<Int>, afterStep: () -> Void = {}
    ) throws -> Tensor {
        let stepCount = parameters.numInferenceSteps
        let total = stepCount * parameters.numImagesPerPrompt
        // Latents and condition lie in one tensor; a step changes the latents' rows in place.
        let hiddenStates = try backend.concatenateRows([noise, condition])
        let latents = hiddenStates.rows(0..<noise.shape[0])
        let observer = hooks.observer
        if let observer { try observer.record("noise.packed", latents.batchOfOne) }
        let preview = makePreview()
        let caches = parameters.firstBlockCache.map { threshold in
            branches.map { _ in FirstBlockCache(threshold: threshold) }
        }
        defer { reusedPasses += (caches ?? []).reduce(0) { $0 + $1.reusedSteps } }
        for step in steps {
            report(.denoise, imageIndex * stepCount + step, total)
            try hooks.cancellation.check()
            let before = offload.traffic
            let outputs = try pipeline.transformer(
                hiddenStates, branches: branches, schedule: schedule.modulation, step: step,
                caches: caches ?? [],
                continues: step + 1 < stepCount || imageIndex + 1 < parameters.numImagesPerPrompt,
                observer: step == 0 ? observer : nil, cancellation: hooks.cancellation)
            if let observer {
                try recordCalls(observer, step, hiddenStates, outputs, schedule.scheduler.timesteps[step])
            }
            let prediction = try guided(outputs.map { $0.rows(0..<latents.shape[0]) })
            try backend.eulerStep(latents, prediction: prediction, delta: schedule.scheduler.sigmaDelta(step: step))
            // Nothing after a first step that gave none can be one, and a long job would end with empty layers.
            if step == steps.lowerBound {
                try checkNumbers(latents, of: "the first step of the transformer", on: backend)
            }
            try observer?.record("step.\(step).latents", latents.batchOfOne)
            try preview?.afterStep(
                step, latents: latents, prediction: prediction,
                rest: schedule.scheduler.sigmaRest(afterStep: step), on: backend)
            stepTraffic.append(offload.traffic.since(before))
            afterStep()
        }
        report(.denoise, (imageIndex + 1) * stepCount, total)
        return latents
    }

    /// Throws if a part of the model gave what is no number, so that the part to blame is named.
    private func checkNumbers(
        _ tensor: Tensor, of operation: String, on backend: any Backend
    ) throws(TensorError) {
        guard backend.holdsData, try backend.download(tensor).contains(where: { !$0.isFinite }) else { return }
        throw .notANumber(operation: operation)
    }

    private func makePreview() -> LatentPreview? {
        guard let watch = hooks.preview, let projection = pipeline.projection else { return nil }
        return LatentPreview(
            watch, projection: projection, geometry: geometry, layers: parameters.layers,
            steps: parameters.numInferenceSteps)
    }

    private func guided(_ predictions: [Tensor]) throws(TensorError) -> Tensor {
        guard predictions.count == 2 else { return predictions[0] }
        return try backend.guidance(
            positive: predictions[0], negative: predictions[1], scale: Float(parameters.trueCFGScale),
            normalize: parameters.cfgNormalize)
    }

    /// The transformer's first and last two calls, numbered as the
    /// reference makes them: a branch after another, step by step.
    private func recordCalls(
        _ observer: any TensorObserver, _ step: Int, _ hiddenStates: Tensor, _ outputs: [Tensor], _ timestep: Float
    ) throws {
        let calls = parameters.numInferenceSteps * outputs.count
        for (branch, output) in outputs.enumerated() {
            let call = step * outputs.count + branch
            guard call < 2 || call >= calls - 2 else { continue }
            try observer.record("transformer.\(call).hidden_states", hiddenStates.batchOfOne)
            try observer.record("transformer.\(call).timestep", try backend.upload([timestep / 1000], [1]))
            try observer.record("transformer.\(call).output", output.batchOfOne)
        }
    }

    // MARK: After the loop

    /// By image and layer, pixels; frame 0, the whole picture made anew, is dropped.
    private func decode(_ results: [Tensor]) throws -> [[PixelBuffer]] {
        let backend = offload.root(of: .vae)
        backend.releaseUnusedMemory()
        let total = results.count * parameters.layers
        var images: [[PixelBuffer]] = []
        for (imageIndex, result) in results.enumerated() {
            var layers: [PixelBuffer] = []
            for layer in 1...parameters.layers {
                report(.decode, imageIndex * parameters.layers + layer - 1, total)
                try hooks.cancellation.check()
                let tokens = try offload.transfer(
                    tokens(ofLayer: layer, in: result), from: self.backend, to: backend)
                layers.append(try decodeLayer(tokens, on: backend))
            }
            images.append(layers)
        }
        report(.decode, total, total)
        return images
    }

    private func decodeLayer(_ tokens: Tensor, on backend: any Backend) throws -> PixelBuffer {
        let decoded = try decodeTokens(tokens)
        if let observer = hooks.observer {
            let unit = PixelConversion.unitFloats(try backend.download(decoded))
            let signed = try backend.upload(unit.map { $0 * 2 - 1 }, decoded.shape)
            try observer.record("vae.decode.output", try backend.permute(signed, [2, 0, 1]).oneFrame)
            try observer.record("images", try backend.upload(unit, decoded.shape).batchOfOne)
        }
        guard let bytes = PixelConversion.pixels(try backend.download(decoded)) else {
            throw TensorError.notANumber(operation: "the autoencoder")
        }
        return try PixelBuffer(width: size.width, height: size.height, bytes: bytes)
    }

    /// One frame's tokens as a picture [height, width, 4] on the device, not clamped.
    func decodeTokens(_ tokens: Tensor) throws -> Tensor {
        let latent = try geometry.unpack(tokens, on: offload.root(of: .vae))
        return try pipeline.autoencoder.decode(
            latent, tiling: tiling, cancellation: hooks.cancellation, observer: hooks.observer)
    }

    /// The tokens of a layer, 1 to `layers`, in an image's result.
    func tokens(ofLayer layer: Int, in result: Tensor) -> Tensor {
        result.rows((layer * geometry.frameTokens)..<((layer + 1) * geometry.frameTokens))
    }

    private func report(_ stage: PipelineStage, _ completed: Int, _ total: Int) {
        hooks.progress(stage.progress(completed, of: total))
    }
}
