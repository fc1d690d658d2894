import ImageCodecs
import Testing

/// A stack whose source-over Pillow gave, by `tools/make_image_fixtures.py`.
struct CompositeCase: Decodable, Sendable {
    let count: Int
    let crc: UInt32
    let whiteCRC: UInt32

    static let all: [CompositeCase] = (try? Fixture.json("composite.json", as: [CompositeCase].self)) ?? []
}

@Suite("Composite")
struct CompositeTests {
    private func layer(_ index: Int, seed: Int) throws -> ImageLayer {
        let bytes = Pattern.bytes(width: 37, height: 29, channels: 4, kind: index % 3, seed: UInt32(seed))
        return ImageLayer(name: "\(index)", pixels: try PixelBuffer(width: 37, height: 29, bytes: bytes))
    }

    @Test("equals Pillow's alpha_composite bit for bit", arguments: CompositeCase.all)
    func equalsPillow(_ fixture: CompositeCase) throws {
        let layers = try (0..<fixture.count).map { try layer($0, seed: 200 + 10 * fixture.count + $0) }
        let flat = try Composite.flatten(layers)
        #expect(crc32(flat.bytes) == fixture.crc)
        #expect(crc32(Composite.overWhite(flat).bytes) == fixture.whiteCRC)
    }

    @Test("hidden layers and opacity")
    func visibility() throws {
        #expect(CompositeCase.all.count == 4)
        let bottom = try layer(0, seed: 1)
        var top = try layer(1, seed: 2)
        top.isVisible = false
        #expect(try Composite.flatten([bottom, top]) == Composite.flatten([bottom]))
        top.isVisible = true
        top.opacity = 0
        #expect(try Composite.flatten([bottom, top]) == Composite.flatten([bottom]))
        let white = ImageLayer(
            name: "w", pixels: try PixelBuffer(width: 2, height: 1, red: 255, green: 255, blue: 255, alpha: 255))
        let black = ImageLayer(name: "b", pixels: try PixelBuffer(width: 2, height: 1, alpha: 255), opacity: 128)
        #expect(try Composite.flatten([white, black]).bytes == [127, 127, 127, 255, 127, 127, 127, 255])
    }

    @Test("layers of different sizes and no layers are refused")
    func refusals() throws {
        let small = ImageLayer(name: "s", pixels: try PixelBuffer(width: 1, height: 1))
        let large = ImageLayer(name: "l", pixels: try PixelBuffer(width: 2, height: 1))
        #expect(
            throws: ImageError.layerSizeMismatch(
                layer: "l", expectedWidth: 1, expectedHeight: 1, actualWidth: 2, actualHeight: 1)
        ) { try Composite.flatten([small, large]) }
        #expect(throws: ImageError.self) { try Composite.flatten([]) }
    }

    @Test("buffers check their size")
    func buffers() {
        #expect(throws: ImageError.byteCountMismatch(expected: 16, actual: 15)) {
            try PixelBuffer(width: 2, height: 2, bytes: [UInt8](repeating: 0, count: 15))
        }
        #expect(throws: ImageError.self) { try PixelBuffer(width: 0, height: 2, bytes: []) }
        #expect(throws: ImageError.self) { try PixelBuffer(width: .max, height: .max, bytes: []) }
        #expect(throws: ImageError.self) { try RGBBuffer(width: 2, height: 2, bytes: [1, 2, 3]) }
    }
}
