import ImageCodecs
import LayerFitting
import Testing

@Suite struct LayerFitterTests {
    /// Picture and layer sizes: enlarged, odd, long and narrow, the same, smaller than the layers, single pixels.
    static let sizes = [
        (256, 256, 32, 32), (301, 199, 96, 64), (1, 1, 32, 32), (700, 9, 160, 32), (7, 701, 32, 320), (64, 64, 64, 64),
        (64, 48, 96, 96), (333, 64, 128, 64), (97, 95, 96, 96), (2, 300, 32, 480), (1025, 130, 64, 32),
    ]

    @Test(arguments: sizes.indices)
    func theStackIsThePicture(_ index: Int) throws {
        let (width, height, modelWidth, modelHeight) = Self.sizes[index]
        // Opaque, grey, half clear and clear pictures in turn.
        for (clear, isGrey) in [[(UInt8(0), false), (120, false)], [(0, true), (255, false)]][index % 2] {
            let scene = try Scene(
                width: width, height: height, seed: UInt64(index), clear: clear, isGrey: isGrey)
            let picture = try scene.picture
            let model = try scene.decomposed(width: modelWidth, height: modelHeight)
            for cleanUp in [AlphaCleanUp(), nil] {
                let fitted = try LayerFitter.fit(model, to: picture, cleanUp: cleanUp)
                #expect(fitted.count == 3)
                #expect(Pixels.largestDifference(try Pixels.flattened(fitted), picture) <= 1)
                #expect(Pixels.largestDifference(try Pixels.flattenedInSteps(fitted), picture) <= 1)
            }
        }
    }

    /// Whatever a model says, the stack is the picture.
    @Test(arguments: [1, 2, 5, 16])
    func evenOfNoise(_ count: Int) throws {
        let layers = try (0..<count).map { try Pixels.noise(32, 48, seed: UInt64($0)) }
        let picture = try Pixels.noise(75, 110, seed: 99)
        let opaque = try PixelBuffer(
            width: 75, height: 110,
            bytes: picture.bytes.enumerated().map { $0.offset % 4 == 3 ? 255 : $0.element })
        let clear = try PixelBuffer(width: 75, height: 110)
        for picture in [picture, opaque, clear] {
            let fitted = try LayerFitter.fit(layers, to: picture)
            #expect(Pixels.largestDifference(try Pixels.flattened(fitted), picture) <= 1)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func edgesLieOnThePicturesOwn(_ seed: UInt64) throws {
        let scene = try Scene(width: 512, height: 512, seed: seed)
        let model = try scene.decomposed(width: 64, height: 64)
        let fitted = try LayerFitter.fit(model, to: try scene.picture)
        let enlarged = try Resampler.resize(model[1], width: 512, height: 512, filter: .bicubic)
        let (error, usual) = (
            Pixels.alphaError(fitted[1], scene.layers[1]), Pixels.alphaError(enlarged, scene.layers[1])
        )
        #expect(error < 0.5 * usual, "\(error) of \(usual)")
        // What is soft stays so.
        #expect(Pixels.alphaError(fitted[2], scene.layers[2]) < 1.5)
    }

    /// The picture's edges are those of what is seen: they say nothing of a layer that others hide.
    @Test func hiddenEdgesDoNotFollowThePicture() throws {
        let cover = try Pixels.drawn(16, 16) { _, _ in ([120, 120, 120], 255) }
        let hidden = try Pixels.drawn(16, 16) { x, y in ([255, 0, 0], x + y / 2 < 11 ? 255 : 0) }
        let ground = try Pixels.drawn(16, 16) { _, _ in ([0, 0, 90], 255) }
        func alphas(_ color: (Double, Double) -> [Double]) throws -> [UInt8] {
            let picture = try Pixels.drawn(128, 128) { x, y in (color(x, y), 255) }
            let bytes = try LayerFitter.fit([ground, hidden, cover], to: picture)[1].bytes
            return stride(from: 3, to: bytes.count, by: 4).map { bytes[$0] }
        }
        let plain = try alphas { _, _ in [120, 120, 120] }
        #expect(plain.contains(0) && plain.contains(255))
        let striped = try alphas { x, y in
            Array(repeating: (x + 3 * y).truncatingRemainder(dividingBy: 40) < 20 ? 100 : 140, count: 3)
        }
        #expect(striped == plain)
    }

    @Test func coloursAreThePicturesWhereSeenAndTheModelsWhereHidden() throws {
        // A red square in front of a ground that is green where the model cannot see it.
        let square = try Pixels.drawn(16, 16) { x, y in ([255, 0, 0], abs(x - 8) < 4 && abs(y - 8) < 4 ? 255 : 0) }
        let ground = try Pixels.drawn(16, 16) { x, y in
            (abs(x - 8) < 4 && abs(y - 8) < 4 ? [0, 200, 0] : [0, 0, 90], 255)
        }
        let picture = try Pixels.drawn(128, 128) { x, y in
            (abs(x - 64) < 32 && abs(y - 64) < 32 ? [240, 10, y / 2] : [x / 2, 10, 100], 255)
        }
        let fitted = try LayerFitter.fit([ground, square], to: picture)
        let (inside, outside) = ((64 * 128 + 64) * 4, (10 * 128 + 10) * 4)
        #expect(Array(fitted[1].bytes[inside..<inside + 4]) == Array(picture.bytes[inside..<inside + 4]))
        #expect(Array(fitted[0].bytes[inside..<inside + 4]) == [0, 200, 0, 255])
        #expect(Array(fitted[0].bytes[outside..<outside + 4]) == Array(picture.bytes[outside..<outside + 4]))
        #expect(Array(fitted[1].bytes[outside..<outside + 4]) == [0, 0, 0, 0])
    }

    @Test func stacksThatAreNone() throws {
        let (small, large) = (try PixelBuffer(width: 8, height: 8), try PixelBuffer(width: 8, height: 9))
        #expect(throws: ImageError.countOutOfRange(what: "layers", count: 0, limit: 16)) {
            try LayerFitter.fit([], to: small)
        }
        #expect(throws: ImageError.countOutOfRange(what: "layers", count: 17, limit: 16)) {
            try LayerFitter.fit(Array(repeating: small, count: 17), to: small)
        }
        #expect(throws: ImageError.self) { try LayerFitter.fit([small, large], to: small) }
    }
}
