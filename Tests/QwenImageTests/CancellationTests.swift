import CPUBackend
import Foundation
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// Where a job stops that nobody wants any more.
struct CancellationTests {
    /// Cancels when it is shown a tensor of this name.
    private final class Canceller: TensorObserver {
        let cancellation = Cancellation()
        private let name: String
        private(set) var shown: [String] = []

        init(at name: String) { self.name = name }

        func record(_ name: String, _ tensor: Tensor) throws(TensorError) {
            shown.append(name)
            if name == self.name { cancellation.cancel() }
        }
    }

    /// A picture of the largest size takes minutes to encode, all of them between these two names.
    @Test func whileThePictureIsEncoded() throws {
        let golden = try #require(GoldenCase.all.first { !$0.parameters.needsCaption })
        let canceller = Canceller(at: "vae.encode.input")
        var hooks = LayeredPipeline.Hooks()
        hooks.observer = canceller
        hooks.cancellation = canceller.cancellation
        let error = #expect(throws: PipelineError.self) {
            try LayeredPipeline(model: golden.checkpoint, backend: CPUBackend()).decompose(
                golden.picture(), parameters: golden.parameters, hooks: hooks)
        }
        #expect(error?.description == PipelineError.cancelled.description)
        #expect(canceller.shown.last == "vae.encode.input")
    }

    /// The autoencoder asks before each of its layers, in both directions, whether to go on.
    @Test(arguments: [false, true])
    func betweenTheLayersOfTheAutoencoder(isDecoding: Bool) throws {
        let model = try ModelFolder(GoldenCase.root.appendingPathComponent("checkpoints/tiny"))
        let backend = CPUBackend()
        let weights = WeightScope(source: model.autoencoderSource, backend: backend)
        let encoder = try AutoencoderEncoder(weights, model.autoencoder)
        let decoder = try AutoencoderDecoder(weights, model.autoencoder)
        let input = try backend.empty(isDecoding ? [4, 4, model.autoencoder.zDim] : [32, 32, 4])
        func run(stoppingAt last: Int) throws(TensorError) -> Int {
            var asked = 0
            func check() throws(TensorError) {
                asked += 1
                if asked == last { throw .cancelled }
            }
            do throws(TensorError) {
                if isDecoding {
                    _ = try decoder(input, on: backend, check: check)
                } else {
                    _ = try encoder(input, on: backend, observer: nil, check: check)
                }
            } catch .cancelled {
                return -asked
            }
            return asked
        }
        let count = try run(stoppingAt: .max)
        let levels = model.autoencoder.dimMult.count
        // Blocks of each level and what changes the size between two, two blocks and attention in the middle, the end.
        #expect(count >= levels * model.autoencoder.numResBlocks + levels - 1 + 4, "\(count)")
        for last in 1...count { #expect(try run(stoppingAt: last) == -last) }
    }
}
