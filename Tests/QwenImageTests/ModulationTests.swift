import CPUBackend
import Foundation
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// Modulation computed for a whole schedule at once against what a block would compute at its own step.
@Suite struct ModulationTests {
    @Test(arguments: ["tiny", "small"], [1, 2, 7, 50])
    func aheadOfTimeEqualsInTheBlock(_ checkpoint: String, _ steps: Int) throws {
        let model = try ModelFolder(GoldenCase.root.appendingPathComponent("checkpoints/\(checkpoint)"))
        let backend = CPUBackend()
        let offload = OffloadManager(backend)
        let weights = WeightScope(source: model.transformerSource, backend: backend)
        let embedding = try TimestepEmbedding(weights["time_text_embed"], model.transformer)
        let timesteps = (0..<steps).map { 1 - Float($0) / Float(steps) }
        let dim = model.transformer.innerDim
        let ahead = try ScheduleModulation(
            conditioning: embedding(timesteps, on: backend), weights: weights,
            layers: ModulationLayers.store(.modulation, weights, model.transformer, offload),
            configuration: model.transformer, offload: offload)
        for (step, timestep) in timesteps.enumerated() {
            // As the reference has it: one step's conditioning through SiLU and the block's own layer.
            let activated = try backend.activate(embedding([timestep], on: backend), .silu)
            for block in 0..<model.transformer.numLayers {
                let scope = weights["transformer_blocks"][block]
                for (name, found) in [
                    ("img_mod", ahead.image(block: block, step: step)),
                    ("txt_mod", ahead.text(block: block, step: step)),
                ] {
                    let layer = try scope[name][1].linear(inFeatures: dim, outFeatures: 6 * dim)
                    let expected = try backend.download(try backend.linear(activated, layer))
                    let parts = [
                        found.attention.shift, found.attention.scale, found.attention.gate, found.mlp.shift,
                        found.mlp.scale, found.mlp.gate,
                    ]
                    let values = try parts.flatMap { try backend.download($0) }
                    #expect(relativeError(values, expected) <= 1e-6)
                }
            }
        }
    }

    /// Once the schedule is prepared, no block asks for its modulation layers again.
    @Test func blocksHoldNoModulationWeights() throws {
        let configuration = try TensorNamesTests.configuration(TransformerConfiguration.self, "transformer")
        let source = AskedTensors()
        let meter = Meter()
        let scope = WeightScope(source: source, backend: meter)["transformer_blocks"][0]
        _ = try TransformerBlock(scope, configuration)
        #expect(source.asked.keys.allSatisfy { !$0.contains("_mod.") })
        #expect(!source.asked.isEmpty)
    }
}
