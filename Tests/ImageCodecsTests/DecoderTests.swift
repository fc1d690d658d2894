import ImageCodecs
import Testing

/// What must come out of a file of `Fixtures/decode`, by `tools/make_image_fixtures.py`.
struct DecodeCase: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let width: Int
    let height: Int
    let crc: UInt32
    let converted: String?

    var testDescription: String { file }

    static let all: [DecodeCase] = (try? Fixture.json("decode.json", as: [DecodeCase].self)) ?? []
}

@Suite("Decoding")
struct DecoderTests {
    @Test("there are fixtures of every kind")
    func fixturesExist() {
        #expect(DecodeCase.all.count >= 80)
    }

    @Test("equals Pillow without a profile", arguments: DecodeCase.all)
    func equalsPillow(_ fixture: DecodeCase) throws {
        let options = DecodeOptions(appliesColorProfile: false)
        let image = try ImageDecoder.decode(Fixture.bytes("decode/" + fixture.file), options: options)
        #expect(image.pixels.width == fixture.width)
        #expect(image.pixels.height == fixture.height)
        // The header alone says the same, but for an orientation that stands behind the pixels.
        let size = try ImageDecoder.size(of: Fixture.bytes("decode/" + fixture.file), options: options)
        let sides =
            fixture.file == "exif-late.png" ? [fixture.height, fixture.width] : [fixture.width, fixture.height]
        #expect([size.width, size.height] == sides)
        #expect(crc32(image.pixels.bytes) == fixture.crc)
        #expect(!image.isColorConverted)
    }

    /// Two versions of Little CMS round a table differently by 1.
    @Test("profiles are converted to sRGB, within 1 of Pillow's Little CMS", arguments: DecodeCase.all)
    func convertsProfiles(_ fixture: DecodeCase) throws {
        let image = try ImageDecoder.decode(Fixture.bytes("decode/" + fixture.file))
        #expect(image.isColorConverted == (fixture.converted != nil))
        guard let converted = fixture.converted else {
            #expect(crc32(image.pixels.bytes) == fixture.crc)
            return
        }
        let expected = try Fixture.bytes("converted/" + converted)
        #expect(crc32(expected) != fixture.crc)
        #expect(expected.count == image.pixels.bytes.count)
        let worst = zip(expected, image.pixels.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 255
        #expect(worst <= 1)
    }

    private static let sources: [(String, DecodedImage.ColorModel, Int)] = [
        ("grey1.png", .grey, 1), ("grey16.png", .grey, 16), ("palette4.png", .palette, 4), ("rgb8.png", .rgb, 8),
        ("ycck.jpg", .cmyk, 8), ("grey.jpg", .grey, 8), ("rgb-420.jpg", .rgb, 8), ("lossy.webp", .rgb, 8),
    ]
    private static let transparentSources: [(String, DecodedImage.ColorModel, Int)] = [
        ("grey16-trns.png", .grey, 16), ("palette2-trns.png", .palette, 2), ("rgba16.png", .rgba, 16),
        ("greyalpha8.png", .greyAlpha, 8), ("lossless-alpha.webp", .rgba, 8),
    ]

    @Test("says what the file is", arguments: [sources, transparentSources])
    func reportsSources(_ list: [(String, DecodedImage.ColorModel, Int)]) throws {
        for (file, model, depth) in list {
            let image = try ImageDecoder.decode(Fixture.bytes("decode/" + file))
            #expect(image.colorModel == model, "\(file)")
            #expect(image.bitDepth == depth, "\(file)")
            #expect(image.hasAlpha == (list.count == Self.transparentSources.count), "\(file)")
        }
    }

    @Test("orientation is found, and may be left alone")
    func orientation() throws {
        let bytes = try Fixture.bytes("decode/orientation6.jpg")
        let turned = try ImageDecoder.decode(bytes)
        let asStored = try ImageDecoder.decode(bytes, options: DecodeOptions(appliesOrientation: false))
        #expect(turned.orientation == 6)
        #expect(turned.pixels.width == asStored.pixels.height)
        #expect(turned.pixels.height == asStored.pixels.width)
    }

    @Test("a pixel beyond a short palette is its index as grey, as Pillow has it")
    func shortPalette() throws {
        // Every index of the fixture is within its palette; the last entry of PLTE is cut off to put some beyond it.
        var bytes = try Fixture.bytes("decode/palette8-short.png")
        let name = Array("PLTE".utf8)
        let at = try #require((0..<bytes.count - 4).first { Array(bytes[$0..<$0 + 4]) == name })
        let length = 27
        bytes[at - 1] = UInt8(length)
        let body = Array(bytes[at..<at + 4 + length])
        let crc = crc32(body)
        let crcBytes = (0..<4).map { UInt8(truncatingIfNeeded: crc >> (24 - 8 * UInt32($0))) }
        bytes.replaceSubrange(at + 4 + length..<at + 4 + 30 + 4, with: crcBytes)
        let whole = try ImageDecoder.decode(Fixture.bytes("decode/palette8-short.png")).pixels.bytes
        let short = try ImageDecoder.decode(bytes).pixels.bytes
        let differing = stride(from: 0, to: whole.count, by: 4).filter {
            Array(whole[$0..<$0 + 4]) != Array(short[$0..<$0 + 4])
        }
        #expect(!differing.isEmpty)
        #expect(differing.allSatisfy { Array(short[$0..<$0 + 4]) == [9, 9, 9, 255] })
    }
}
