import ImageCodecs
import Testing

/// Files that other programs saved, and their own flat pictures of them (`tools/make_layered_fixtures.py`).
@Suite("Layers from other programs")
struct ForeignFileTests {
    /// Programs round differently: Krita to 8 bits after each layer, so that a few pixels are further off.
    struct Case: Sendable, CustomStringConvertible {
        let file: String
        let picture: String
        /// Of 432 pixels, how many may be off by 2.
        let furtherPixels: Int

        var description: String { file }
    }

    static let cases = [
        Case(file: "psdtools.psd", picture: "psdtools.png", furtherPixels: 0),
        Case(file: "gimp.psd", picture: "gimp.png", furtherPixels: 0),
        Case(file: "krita.psd", picture: "krita.png", furtherPixels: 8),
        Case(file: "krita.ora", picture: "krita.png", furtherPixels: 8),
    ]

    @Test("names, groups, modes and the flat picture", arguments: cases)
    func reads(_ fixture: Case) throws {
        let tree = try LayerFileReader.read(Fixture.bytes("layered/" + fixture.file))
        #expect(tree.width == 24 && tree.height == 18)
        #expect(tree.nodes.map(\.name) == ["background", "Gruppe 群", "overlay", "hidden", "diff"])
        #expect(tree.layers.map(\.name) == ["background", "mul", "screen", "overlay", "hidden", "diff"])
        #expect(
            tree.layers.map(\.blendMode) == [.normal, .multiply, .screen, .overlay, .normal, .difference])
        #expect(tree.layers.map(\.opacity) == [255, 200, 255, 255, 255, 128])
        #expect(tree.layers.map(\.isVisible) == [true, true, true, true, false, true])
        let flat = Composite.flatten(tree)
        let expected = try ImageDecoder.decode(Fixture.bytes("layered/" + fixture.picture)).pixels
        #expect(flat.width == expected.width && flat.height == expected.height)
        var further = 0
        for pixel in 0..<flat.width * flat.height {
            let worst = (0..<4).map { abs(Int(flat.bytes[pixel * 4 + $0]) - Int(expected.bytes[pixel * 4 + $0])) }.max()
            #expect(try #require(worst) <= 2)
            if try #require(worst) > 1 { further += 1 }
        }
        #expect(further <= fixture.furtherPixels)
    }

    @Test("cut off and altered: an error or a tree", arguments: cases)
    func hostile(_ fixture: Case) throws {
        let file = try Fixture.bytes("layered/" + fixture.file)
        let options = LayerReadOptions(maximumCanvasPixels: 1 << 14, maximumLayerPixels: 1 << 16)
        for cut in stride(from: 0, to: file.count, by: 61) {
            // The merged picture at the end of a PSD is not looked at.
            _ = try? LayerFileReader.read(Array(file[..<cut]), options: options)
        }
        mutate(file, count: 200, seed: UInt64(file.count)) { (altered) throws(ImageError) in
            _ = try LayerFileReader.read(altered, options: options)
        }
    }
}
