import Foundation
import Jobs
import LayerFitting
import QwenImage

/// A job of layers as the jobs keep it: the parameters and the picture's file in one block of bytes.
struct LayerWork: Sendable {
    /// The first bytes: what the block is, and the layout's version.
    private static let magic = Array("MLW1".utf8)
    private static let lengthBytes = 4

    let parameters: DecompositionParameters
    /// What becomes of the model's layers.
    let finish: LayerFinish
    /// Set if a layer of an earlier result is split.
    let split: SplitWork?
    /// The picture's file, not yet decoded; for a split the files of the earlier result, one after the other.
    let picture: [UInt8]
    /// False if nobody will ask for a PSD.
    let needsPSD: Bool

    private struct Stored: Codable {
        let parameters: ResultManifest.Parameters
        /// Nil in jobs of older releases, which gave the model's layers.
        let finish: LayerFinish?
        let split: SplitWork?
        let needsPSD: Bool
    }

    init(
        parameters: DecompositionParameters, finish: LayerFinish, split: SplitWork? = nil, picture: [UInt8],
        needsPSD: Bool
    ) {
        self.parameters = parameters
        self.split = split
        self.finish = finish
        self.picture = picture
        self.needsPSD = needsPSD
    }

    /// The work in a payload's body; nil if the block is not one of ours.
    init?(_ body: [UInt8]) {
        let start = Self.magic.count + Self.lengthBytes
        guard body.count >= start, body.starts(with: Self.magic) else { return nil }
        let length = body[Self.magic.count..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= body.count - start,
            let stored = try? JSONDecoder().decode(Stored.self, from: Data(body[start..<start + length])),
            let parameters = DecompositionParameters(stored.parameters)
        else { return nil }
        self.parameters = parameters
        finish = stored.finish ?? .none
        split = stored.split
        needsPSD = stored.needsPSD
        picture = Array(body[(start + length)...])
    }

    /// For the jobs. The metadata are the parameters without the prompts, which may be long and are nobody's business.
    var payload: JobPayload {
        let stored = JSONText.bytes(
            Stored(
                parameters: ResultManifest.Parameters(parameters), finish: finish, split: split, needsPSD: needsPSD))
        var body = Self.magic
        body.reserveCapacity(Self.magic.count + Self.lengthBytes + stored.count + picture.count)
        for place in 0..<Self.lengthBytes { body.append(UInt8(truncatingIfNeeded: stored.count >> (8 * place))) }
        body += stored
        body += picture
        var shown = parameters
        shown.prompt = nil
        shown.negativePrompt = nil
        let metadata = String(decoding: JSONText.bytes(ResultManifest.Parameters(shown)), as: UTF8.self)
        return JobPayload(metadata: metadata, body: body)
    }

    /// How much work this is: 1 is a usual job of the published model. Grows with what a step computes.
    var cost: Double {
        let side = Double(parameters.resolution) / 640
        let frames = Double(parameters.layers + 2) / 6
        let branches = parameters.doTrueCFG ? 1.0 : 0.5
        let steps = Double(parameters.numInferenceSteps * parameters.numImagesPerPrompt) / 50
        return max(1e-4, side * side * frames * branches * steps)
    }
}

extension DecompositionParameters {
    /// Parameters that were stored; nil if a word in them is not known.
    init?(_ stored: ResultManifest.Parameters) {
        guard let generator = GeneratorKind(rawValue: stored.generator),
            let dtype = NoiseSource.DType(rawValue: stored.dtype), let seed = stored.seed
        else { return nil }
        self.init(
            prompt: stored.prompt, negativePrompt: stored.negativePrompt, trueCFGScale: stored.trueCFGScale,
            layers: stored.layers, numInferenceSteps: stored.numInferenceSteps, resolution: stored.resolution,
            cfgNormalize: stored.cfgNormalize, useEnPrompt: stored.useEnPrompt,
            numImagesPerPrompt: stored.numImagesPerPrompt, seed: seed, generator: generator, dtype: dtype,
            maxSequenceLength: stored.maxSequenceLength, firstBlockCache: stored.firstBlockCache)
    }
}
