import CPUBackend
import Foundation
import ImageCodecs
import Synchronization
import TensorCore
import Testing

@testable import QwenImage

/// The composite as it is shown while a job runs, on the built-in model.
@Suite struct PreviewTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..")

    private final class Shown: Sendable {
        let pictures = Mutex<[PixelBuffer]>([])
        let asked = Mutex(0)

        func watch(isWanted: Bool = true) -> PreviewWatch {
            var watch = PreviewWatch(
                isWanted: { [self] in
                    asked.withLock { $0 += 1 }
                    return isWanted
                },
                show: { [self] picture in pictures.withLock { $0.append(picture) } })
            (watch.leadSeconds, watch.share) = (0, 1000)
            return watch
        }

        var all: [PixelBuffer] { pictures.withLock { $0 } }
    }

    private func decompose(steps: Int, _ watch: PreviewWatch?) throws -> Decomposition {
        let model = Self.root.appendingPathComponent("Models/seedling")
        let pipeline = try LayeredPipeline(model: model, backend: CPUBackend(threads: 2))
        var options = DecompositionOptions()
        (options.numInferenceSteps, options.resolution, options.seed) = (steps, 128, 7)
        var hooks = LayeredPipeline.Hooks()
        hooks.preview = watch
        let picture = try Data(contentsOf: Self.root.appendingPathComponent("docs/poster.png"))
        return try pipeline.decompose(
            ImageDecoder.decode(Array(picture)).pixels,
            parameters: options.resolved(with: pipeline.model.defaults), hooks: hooks)
    }

    /// Sizes, number and likeness; and that the job's own result does not change by a bit.
    @Test func previewsLookLikeTheResult() throws {
        let shown = Shown()
        let watched = try decompose(steps: 4, shown.watch())
        #expect(try decompose(steps: 4, nil).images == watched.images)
        let previews = shown.all
        #expect(previews.count == 3)
        let stack = try LayerTree(layers: watched.images[0].map { ImageLayer(name: "a", pixels: $0) })
        let blend = Composite.flatten(stack)
        let small = try Resampler.resize(blend, width: blend.width / 8, height: blend.height / 8, filter: .bicubic)
        for preview in previews { #expect(preview.width == small.width && preview.height == small.height) }
        let errors = previews.map { Self.difference(Composite.overWhite($0), Composite.overWhite(small)) }
        // A picture of the mean colour would be off by 60; a decoder's by what the last step changes.
        #expect(try #require(errors.last) < 30, "\(errors)")
    }

    /// Mean distance of 8-bit values.
    private static func difference(_ one: RGBBuffer, _ other: RGBBuffer) -> Double {
        Double(zip(one.bytes, other.bytes).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(one.bytes.count)
    }

    @Test func nobodyWatchesAndNothingIsMade() throws {
        let shown = Shown()
        _ = try decompose(steps: 4, shown.watch(isWanted: false))
        #expect(shown.all.isEmpty && shown.asked.withLock { $0 } == 3)
    }

    /// However many steps there are, there are about `count` previews, and none before its time or beyond its share.
    @Test(arguments: [(count: 2, lead: 0.0, share: 1000.0, shown: 2), (10, 3600, 1000, 0), (10, 0, 0, 1)])
    func previewsKeepToTheirShare(count: Int, lead: Double, share: Double, wanted: Int) throws {
        let shown = Shown()
        var watch = shown.watch()
        (watch.count, watch.leadSeconds, watch.share) = (count, lead, share)
        _ = try decompose(steps: 5, watch)
        #expect(shown.all.count == wanted)
    }

    /// What is linear is found again, cells in their places.
    @Test func aLinearMapIsFound() throws {
        let map: [SIMD4<Float>] = [[0.2, 0, 0.1, 0], [0, 0.3, 0, 0], [0.5, 0.4, 0.3, 1]]
        let latent = (0..<32).flatMap { [sin(Float($0)), cos(Float($0) * 1.7)] }
        let colors = (0..<32).map { latent[$0 * 2] * map[0] + latent[$0 * 2 + 1] * map[1] + map[2] }
        let projection = try #require(LatentProjection(latent: latent, colors: colors, channels: 2))
        let geometry = LatentGeometry(channels: 2, tokenHeight: 1, tokenWidth: 2)
        // The first channel of four cells, then the second, for each of the two tokens.
        let tokens: [Float] = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0]
        let picture = try #require(projection.pixels(ofTokens: tokens[...], geometry))
        #expect(picture.width == 4 && picture.height == 2)
        func near(_ x: Int, _ y: Int, _ wanted: [Int]) -> Bool {
            let offset = (y * 4 + x) * 4
            return zip(picture.bytes[offset..<offset + 4], wanted).allSatisfy { abs(Int($0) - $1) <= 1 }
        }
        #expect(near(0, 0, [128, 102, 77, 255]) && near(1, 0, [179, 102, 102, 255]))
        #expect(near(2, 1, [128, 26, 77, 255]) && near(3, 1, [128, 102, 77, 255]))
    }

    @Test func whatIsNotDeterminedIsNotFitted() {
        let colors = [SIMD4<Float>](repeating: .one, count: 5)
        #expect(LatentProjection(latent: [Float](repeating: 0, count: 10), colors: colors, channels: 2) == nil)
        #expect(LatentProjection(latent: [Float](repeating: .nan, count: 5), colors: colors, channels: 1) == nil)
        #expect(LatentProjection(latent: [], colors: [], channels: 0) == nil)
        #expect(!LatentProjection.isDetermined(cells: 1_000_000, channels: LatentProjection.maximumChannels + 1))
    }
}
