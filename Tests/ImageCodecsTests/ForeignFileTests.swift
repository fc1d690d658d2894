import Foundation
import ImageCodecs
import Testing

/// Files that other programs saved, and their own flat pictures of them (`tools/make_layered_fixtures.py`).
@Suite("Layers from other programs")
struct ForeignFileTests {
    struct Case: Sendable, CustomStringConvertible {
        let file: String
        let picture: String
        /// How the program rounds.
        let rounding: Rounding

        var description: String { file }
    }

    static let cases = [
        Case(file: "psdtools.psd", picture: "psdtools.png", rounding: .once),
        Case(file: "gimp.psd", picture: "gimp.png", rounding: .once),
        Case(file: "krita.psd", picture: "krita.png", rounding: .eachLayer),
        Case(file: "krita.ora", picture: "krita.png", rounding: .eachLayer),
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
    }

    @Test("the flat picture, rounded as the program does", arguments: cases)
    func flattens(_ fixture: Case) throws {
        let file = try LayerFileReader.readFile(Fixture.bytes("layered/" + fixture.file))
        let expected = try ImageDecoder.decode(Fixture.bytes("layered/" + fixture.picture)).pixels
        let flattened = file.flattened()
        let flat = flattened.pixels
        #expect(flattened.rounding == fixture.rounding && flattened.difference == nil)
        #expect(pixels(of: flat, furtherThan: 1, from: expected) == 0)
        #expect(file.flattened(fixture.rounding).pixels == flat)
        // Not for nothing: the other way is too far from Krita's.
        let once = pixels(of: file.flattened(.once).pixels, furtherThan: 1, from: expected)
        #expect((once > 0) == (fixture.rounding == .eachLayer))
    }

    @Test("Krita's bytes in every blend mode, where both colours are half transparent")
    func modesInBytes() throws {
        let file = try LayerFileReader.readFile(Fixture.bytes("layered/krita-modes.psd"))
        let expected = try ImageDecoder.decode(Fixture.bytes("layered/krita-modes.png")).pixels
        let flattened = file.flattened()
        let flat = flattened.pixels
        #expect(flattened.rounding == .eachLayer)
        #expect(file.tree.layers.count == BlendMode.allCases.count + 1)
        for layer in file.tree.layers.dropFirst() {
            let rows = PixelRows(from: layer.y, to: layer.y + 8)
            let (ours, theirs) = (rows.of(flat), rows.of(expected))
            let far = zip(ours, theirs).filter { abs(Int($0) - Int($1)) > 1 }.count
            let unequal = zip(ours, theirs).filter { $0 != $1 }.count
            #expect(far == 0, "\(layer.blendMode)")
            // Krita divides by an approximate reciprocal there, or has other sums of three weights.
            let isByteForByte = ![.normal, .softLight, .hue, .saturation, .color, .luminosity].contains(layer.blendMode)
            #expect(unequal <= (isByteForByte ? 0 : 12), "\(layer.blendMode)")
        }
    }

    @Test("a flat picture that is not of these layers any more, or damaged, does no harm")
    func staleFlatPictures() throws {
        let bytes = try Fixture.bytes("layered/krita.psd")
        let stated = try LayerFileReader.readFile(bytes)
        let exact = Composite.flatten(stated.tree)
        // Cut off within the flat picture; noise in it.
        let cut = try LayerFileReader.readFile(Array(bytes.dropLast(400)))
        #expect(cut.flattened().rounding == .once && cut.flattened().pixels == exact)
        var noise = bytes
        for index in noise.count - 300..<noise.count { noise[index] = UInt8(truncatingIfNeeded: index &* 31) }
        let noisy = try LayerFileReader.readFile(noise)
        #expect(noisy.tree == stated.tree && [.once, .eachLayer].contains(noisy.flattened().rounding))
    }

    @Test("where one layer was hidden since, the rest still tells how to round")
    func editedFile() throws {
        let archive = try ZIPReader(try Fixture.bytes("layered/krita.ora"))
        var edited = ZIPWriter()
        for name in archive.names {
            var data = try archive.read(name, limit: 1 << 20)
            if name == "stack.xml" {
                let text = String(decoding: data, as: UTF8.self)
                let shown = "visibility=\"visible\" composite-op=\"svg:difference\""
                #expect(text.contains(shown))
                let hidden = shown.replacingOccurrences(of: "\"visible\"", with: "\"hidden\"")
                data = Array(text.replacingOccurrences(of: shown, with: hidden).utf8)
            }
            try edited.add(name, data, compression: .stored)
        }
        let file = try LayerFileReader.readFile(edited.finish())
        #expect(file.tree.layers.last?.isVisible == false)
        #expect(file.flattened().rounding == .eachLayer)
        let difference = try #require(file.flattened().difference)
        #expect(difference.pixelShare < 0.5 && difference.levels > 10 && file.flattened(.once).difference == nil)
        #expect(file.flattened().pixels == Composite.flattenInBytes(file.tree))
        #expect(LayerFile(file.tree).flattened().rounding == .once)
    }

    @Test("how far the file's own flat picture is: the share of the pixels, and the most levels")
    func difference() throws {
        let layer = ImageLayer(name: "a", pixels: try PixelBuffer(width: 10, height: 10, red: 200, alpha: 255))
        let archive = try ZIPReader(OpenRasterWriter.encode(LayerTree(layers: [layer])))
        // A pixel a level off counts as equal, 22 others do not.
        var bytes = try #require(layer.pixels).bytes
        bytes[4 * 99] = 199
        for pixel in 0..<22 { bytes[4 * pixel + 1] = UInt8(40 + pixel) }
        var edited = ZIPWriter()
        for name in archive.names {
            let merged = try PNGEncoder.encode(PixelBuffer(width: 10, height: 10, bytes: bytes))
            try edited.add(name, name == "mergedimage.png" ? merged : archive.read(name, limit: 1 << 20))
        }
        let difference = try #require(LayerFileReader.readFile(edited.finish()).flattened().difference)
        #expect(difference.pixelShare == 0.22 && difference.levels == 61)
        #expect(difference.description == "22 % of the pixels, by up to 61 of 255 levels")
    }

    /// Pixels with a value further off: colours over white, and alpha.
    private func pixels(of flat: PixelBuffer, furtherThan limit: Double, from expected: PixelBuffer) -> Int {
        guard flat.width == expected.width, flat.height == expected.height else { return .max }
        return stride(from: 0, to: flat.bytes.count, by: 4).filter { place in
            let alphas = [flat, expected].map { Double($0.bytes[place + 3]) }
            return abs(alphas[0] - alphas[1]) > limit
                || (0..<3).contains { channel in
                    let white = zip([flat, expected], alphas).map {
                        (Double($0.bytes[place + channel]) - 255) * $1 / 255
                    }
                    return abs(white[0] - white[1]) > limit + 0.01
                }
        }.count
    }

    @Test("cut off and altered: an error or a tree", arguments: cases)
    func hostile(_ fixture: Case) throws {
        let file = try Fixture.bytes("layered/" + fixture.file)
        let options = LayerReadOptions(maximumCanvasPixels: 1 << 14, maximumLayerPixels: 1 << 16)
        for cut in stride(from: 0, to: file.count, by: 61) {
            _ = try? LayerFileReader.readFile(Array(file[..<cut]), options: options).flattened()
        }
        mutate(file, count: 200, seed: UInt64(file.count)) { (altered) throws(ImageError) in
            _ = try LayerFileReader.readFile(altered, options: options).flattened()
        }
    }
}

/// Some rows of a picture.
private struct PixelRows {
    let from: Int
    let to: Int

    func of(_ picture: PixelBuffer) -> ArraySlice<UInt8> {
        picture.bytes[from * picture.width * 4..<to * picture.width * 4]
    }
}
