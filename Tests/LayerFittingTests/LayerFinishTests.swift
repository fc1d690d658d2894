import ImageCodecs
import LayerFitting
import Testing

@Suite struct LayerFinishTests {
    private let black = LayerFinish(fit: .model, cleanUp: AlphaCleanUp(speckArea: 0))

    private func alphas(_ values: [UInt8], color: UInt8 = 7) throws -> PixelBuffer {
        try PixelBuffer(width: values.count, height: 1, bytes: values.flatMap { [color, color, color, $0] })
    }

    @Test func nothingIsDoneIfNothingIsWanted() throws {
        let layers = try (0..<3).map { try Pixels.noise(20, 30, seed: UInt64($0)) }
        let picture = try Pixels.noise(90, 90, seed: 5)
        #expect(try LayerFinish.none.finish(layers, of: picture) == layers)
    }

    @Test func alphaThatWasMeantAsEmptyOrOpaque() throws {
        let values: [UInt8] = [0, 1, 5, 6, 7, 128, 249, 250, 251, 254, 255]
        let cleaned = try black.finish([try alphas(values)], of: try PixelBuffer(width: 1, height: 1))
        let found = stride(from: 3, to: cleaned[0].bytes.count, by: 4).map { cleaned[0].bytes[$0] }
        #expect(found == [0, 0, 0, 6, 7, 128, 249, 250, 255, 255, 255])
        for pixel in 0..<values.count {
            let color = Array(cleaned[0].bytes[pixel * 4..<pixel * 4 + 3])
            #expect(color == (found[pixel] == 0 ? [0, 0, 0] : [7, 7, 7]))
        }
    }

    @Test func specksGoToTheLayerBelow() throws {
        // At 640 x 640 the limit is 12 pixels; here, 64 x 64, it is asked for as 100 times that: 12 again.
        let finish = LayerFinish(fit: .model, cleanUp: AlphaCleanUp(speckArea: 1200))
        let ground = try PixelBuffer(width: 64, height: 64, red: 10, green: 20, blue: 30, alpha: 255)
        // A bar with a dot two pixels above it, and a lone dot far away.
        let upper = try Pixels.drawn(64, 64) { x, y in
            let isBar = (10..<14).contains(x) && (20..<40).contains(y)
            let isDot = (10..<13).contains(x) && (15..<18).contains(y)
            let isSpeck = (50..<53).contains(x) && (50..<53).contains(y)
            return ([200, 100, 50], isBar || isDot || isSpeck ? 255 : 0)
        }
        let cleaned = try finish.finish([ground, upper], of: ground)
        let (dot, speck) = ((16 * 64 + 11) * 4, (51 * 64 + 51) * 4)
        #expect(cleaned[1].bytes[dot + 3] == 255)
        #expect(Array(cleaned[1].bytes[speck..<speck + 4]) == [0, 0, 0, 0])
        #expect(Array(cleaned[0].bytes[speck..<speck + 4]) == [200, 100, 50, 255])
        #expect(try Pixels.flattened(cleaned) == Pixels.flattened([ground, upper]))
        let kept = try LayerFinish(fit: .model, cleanUp: AlphaCleanUp(speckArea: 0)).finish(
            [ground, upper], of: ground)
        #expect(kept[1].bytes[speck + 3] == 255 && kept[0] == ground)
    }

    @Test func emptyLayers() throws {
        let ground = try PixelBuffer(width: 32, height: 32, red: 10, alpha: 255)
        let empty = try PixelBuffer(width: 32, height: 32, red: 200, alpha: 3)
        let layers = [ground, empty, empty]
        #expect(try LayerFinish().finish(layers, of: ground).map(\.isEmpty) == [false, true, true])
        #expect(try LayerFinish(emptyLayers: .drop).finish(layers, of: ground).count == 1)
        // Nothing at all is still one layer.
        #expect(
            try LayerFinish(emptyLayers: .drop).finish([empty, empty], of: try PixelBuffer(width: 32, height: 32)).count
                == 1)
    }

    @Test func asManyLayersAsThePictureHas() throws {
        let scene = try Scene(width: 64, height: 64, seed: 4)
        let empty = try PixelBuffer(width: 64, height: 64)
        let room = [scene.layers[0], scene.layers[0], empty, scene.layers[1], scene.layers[2], scene.layers[2], empty]
        var finish = LayerFinish(fit: .model, mergesLayers: true)
        let merged = try finish.finish(room, of: try scene.picture)
        #expect(merged.count == 3)
        #expect(Pixels.alphaError(merged[1], scene.layers[1]) < 0.1)
        finish.fit = .original
        let fitted = try finish.finish(room, of: try scene.picture)
        #expect(fitted.count == 3)
        #expect(Pixels.largestDifference(try Pixels.flattened(fitted), try scene.picture) <= 1)
    }
}
