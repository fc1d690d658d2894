import ImageCodecs
import Testing

@Suite("PNG out")
struct PNGEncoderTests {
    /// Chunk names and data, with their sums checked.
    private func chunks(_ file: [UInt8]) throws -> [(String, [UInt8])] {
        var chunks: [(String, [UInt8])] = []
        var offset = 8
        while offset < file.count {
            let length = file[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            let body = Array(file[offset + 4..<offset + 8 + length])
            let sum = file[offset + 8 + length..<offset + 12 + length].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            try #require(crc32(body) == sum)
            chunks.append((String(decoding: body.prefix(4), as: UTF8.self), Array(body.dropFirst(4))))
            offset += 12 + length
        }
        return chunks
    }

    private static let sizes = [(1, 1), (1, 9), (7, 1), (37, 29), (64, 64), (300, 3)]

    @Test("what is written is read back exactly", arguments: sizes, 0..<3)
    func roundTrip(_ size: (Int, Int), _ kind: Int) throws {
        let (width, height) = size
        let bytes = Pattern.bytes(width: width, height: height, channels: 4, kind: kind, seed: 9)
        let image = try PixelBuffer(width: width, height: height, bytes: bytes)
        let kept = try PNGEncoder.encode(image, options: PNGOptions(clearsTransparentColor: false))
        #expect(try ImageDecoder.decode(kept).pixels == image)
        var cleared = bytes
        for offset in stride(from: 0, to: bytes.count, by: 4) where bytes[offset + 3] == 0 {
            cleared.replaceSubrange(offset..<offset + 3, with: [0, 0, 0])
        }
        #expect(try ImageDecoder.decode(PNGEncoder.encode(image)).pixels.bytes == cleared)
        var opaque = bytes
        for offset in stride(from: 3, to: bytes.count, by: 4) { opaque[offset] = 255 }
        let rgb = try ImageDecoder.decode(PNGEncoder.encode(image, options: PNGOptions(colorType: .rgb)))
        #expect(rgb.pixels.bytes == opaque)
        #expect(rgb.colorModel == .rgb)
    }

    /// Places and sizes of layers on a canvas of 9 x 7.
    private static let places = [
        (0, 0, 9, 7), (2, 1, 4, 3), (0, 6, 9, 1), (8, 0, 1, 7), (-2, -1, 5, 4), (5, 5, 9, 9), (20, 3, 2, 2),
    ]

    @Test("a layer on a canvas is written as its copy of the canvas' size", arguments: places, [false, true])
    func onCanvas(_ place: (Int, Int, Int, Int), _ isOpaque: Bool) throws {
        let (x, y, width, height) = place
        let layer = try LayerSamples.layer("a", x: x, y: y, width: width, height: height, kind: 1, isOpaque: isOpaque)
        for type in [PNGOptions.ColorType.rgba, .rgb, .automatic] {
            for clears in [false, true] {
                let options = PNGOptions(colorType: type, clearsTransparentColor: clears)
                var workspace = PNGWorkspace()
                let found = try PNGEncoder.encode(
                    layer, width: 9, height: 7, options: options, workspace: &workspace)
                #expect(try found == PNGEncoder.encode(layer.onCanvas(width: 9, height: 7), options: options))
            }
        }
        var workspace = PNGWorkspace()
        let none = try PNGEncoder.encode(
            ImageLayer(name: "none", pixels: nil), width: 9, height: 7, options: PNGOptions(), workspace: &workspace)
        #expect(try ImageDecoder.decode(none).pixels == PixelBuffer(width: 9, height: 7))
    }

    @Test("alpha goes only when nothing needs it")
    func automatic() throws {
        let opaque = try PixelBuffer(width: 3, height: 2, red: 9, alpha: 255)
        let clear = try PixelBuffer(width: 3, height: 2, red: 9, alpha: 254)
        let options = PNGOptions(colorType: .automatic)
        #expect(try ImageDecoder.decode(PNGEncoder.encode(opaque, options: options)).colorModel == .rgb)
        #expect(try ImageDecoder.decode(PNGEncoder.encode(clear, options: options)).colorModel == .rgba)
    }

    @Test("chunks: sRGB, 300 dpi, texts in Latin-1 or UTF-8")
    func chunkContents() throws {
        let texts = [
            PNGOptions.Text(key: "parameters", value: "a cat\nSteps: 4"),
            PNGOptions.Text(key: "Comment", value: "一只猫"),
        ]
        let image = try PixelBuffer(width: 5, height: 4, red: 200, alpha: 255)
        let file = try PNGEncoder.encode(image, options: PNGOptions(texts: texts))
        let list = try chunks(file)
        #expect(list.map(\.0) == ["IHDR", "sRGB", "pHYs", "tEXt", "iTXt", "IDAT", "IEND"])
        #expect(list[1].1 == [0])
        #expect(list[2].1 == [0, 0, 0x2E, 0x23, 0, 0, 0x2E, 0x23, 1])
        #expect(list[3].1 == Array("parameters\0a cat\nSteps: 4".utf8))
        #expect(list[4].1 == Array("Comment\0\0\0\0\0一只猫".utf8))
        #expect(try PNGEncoder.encode(image, options: PNGOptions(texts: texts)) == file)
        #expect(try ImageDecoder.decode(file).pixels == image)
    }

    @Test("keys that PNG cannot hold are refused", arguments: ["", "猫", String(repeating: "k", count: 80)])
    func refusesKeys(_ key: String) throws {
        let image = try PixelBuffer(width: 1, height: 1)
        #expect(throws: ImageError.self) {
            try PNGEncoder.encode(image, options: PNGOptions(texts: [.init(key: key, value: "v")]))
        }
    }

    @Test("flat and smooth pictures become small")
    func size() throws {
        let gradient = Pattern.bytes(width: 128, height: 128, channels: 4, kind: 2, seed: 1)
        let image = try PixelBuffer(width: 128, height: 128, bytes: gradient)
        #expect(try PNGEncoder.encode(image).count < 2_500)
        #expect(try PNGEncoder.encode(PixelBuffer(width: 512, height: 512)).count < 6_000)
    }
}
