import CPUBackend
import Foundation
import ImageCodecs
import Testing

@testable import QwenImage

/// What the model that comes with Mica promises: its prompt is not read, its noise hardly matters, its layers add
/// up.
@Suite struct DefaultModelTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..")

    private func decompose(
        _ poster: String, change: (inout DecompositionOptions) -> Void = { _ in }
    ) throws -> (picture: PixelBuffer, layers: [PixelBuffer]) {
        let model = Self.root.appendingPathComponent("Models/seedling")
        let pipeline = try LayeredPipeline(model: model, backend: CPUBackend(threads: 2))
        var options = DecompositionOptions()
        options.seed = 7
        change(&options)
        let file = try Data(contentsOf: Self.root.appendingPathComponent("docs/posters/\(poster).png"))
        let picture = try ImageDecoder.decode(Array(file)).pixels
        let result = try pipeline.decompose(
            picture, parameters: options.resolved(with: pipeline.model.defaults), hooks: LayeredPipeline.Hooks())
        return (picture, result.images[0])
    }

    /// Largest and mean distance of 8-bit values over all layers.
    private func difference(_ one: [PixelBuffer], _ other: [PixelBuffer]) -> (largest: Int, mean: Double) {
        let distances = zip(one, other).flatMap { zip($0.bytes, $1.bytes).map { abs(Int($0) - Int($1)) } }
        return (distances.max() ?? 0, Double(distances.reduce(0, +)) / Double(max(1, distances.count)))
    }

    @Test(arguments: ["", "a", "A quite different and rather longer text about a train station in the rain at night."])
    func thePromptIsNotRead(prompt: String) throws {
        let one = try decompose("dance").layers
        let other = try decompose("dance") { $0.prompt = prompt.isEmpty ? " " : prompt }.layers
        let (largest, mean) = difference(one, other)
        #expect(one.count == 3 && largest <= 1 && mean < 0.001, "\(largest) \(mean)")
    }

    /// The model predicts layers whole in its one step, so that the noise it starts from hardly matters.
    @Test func theSeedHardlyMatters() throws {
        let one = try decompose("dance").layers
        #expect(difference(one, try decompose("dance") { $0.seed = 8 }.layers).mean < 0.5)
    }

    @Test(arguments: [2, 3, 4])
    func theLayersAddUp(count: Int) throws {
        let (picture, layers) = try decompose("dance") { $0.layers = count }
        try #require(layers.count == count)
        #expect(layers[0].bytes.indices.filter { $0 % 4 == 3 }.allSatisfy { layers[0].bytes[$0] > 200 })
        let blend = try Composite.flatten(LayerTree(layers: layers.map { ImageLayer(name: "a", pixels: $0) }))
        let small = try Resampler.resize(picture, width: blend.width, height: blend.height, filter: .lanczos)
        let (one, other) = (Composite.overWhite(blend).bytes, Composite.overWhite(small).bytes)
        let squares = zip(one, other).map { (Int($0) - Int($1)) * (Int($0) - Int($1)) }
        let square = Double(squares.reduce(0, +)) / Double(one.count)
        #expect(10 * log10(255 * 255 / square) > 26)
    }
}
