import ImageCodecs
import Testing

@Suite("Layer tree")
struct LayerTreeTests {
    private func layer(_ name: String = "a", x: Int = 0, y: Int = 0) -> LayerNode {
        .layer(ImageLayer(name: name, pixels: nil, x: x, y: y))
    }

    private func nested(_ depth: Int) -> LayerNode {
        (0..<depth).reduce(layer()) { inner, _ in .group(LayerGroup(name: "g", children: [inner])) }
    }

    @Test("limits are checked")
    func limits() throws {
        func fails(_ nodes: [LayerNode], width: Int = 1, height: Int = 1) -> Bool {
            (try? LayerTree(width: width, height: height, nodes: nodes)) == nil
        }
        #expect(!fails([]))
        #expect(fails([], width: 0) && fails([], width: 300_001) && fails([], width: 40_000, height: 40_000))
        #expect(!fails([layer(String(repeating: "n", count: 255))]))
        #expect(fails([layer(String(repeating: "n", count: 256))]) && fails([layer("")]))
        #expect(!fails([nested(32)]) && fails([nested(33)]))
        #expect(!fails([layer(x: 1 << 24, y: -(1 << 24))]))
        #expect(fails([layer(x: 1 << 24 + 1)]) && fails([layer(y: .min)]) && fails([layer(x: .max)]))
        #expect(!fails([LayerNode](repeating: layer(), count: 8_000)))
        #expect(fails([LayerNode](repeating: layer(), count: 8_001)))
    }

    @Test("names are cut at a character and cleaned")
    func names() {
        #expect(LayerTree.name("cat", orElse: "x") == "cat")
        #expect(LayerTree.name("", orElse: "x") == "x")
        #expect(LayerTree.name("a\u{0}b\nc", orElse: "x") == "abc")
        let long = LayerTree.name(String(repeating: "群", count: 100), orElse: "x")
        #expect(long == String(repeating: "群", count: 85))
    }

    @Test("trimming keeps what is seen where it is")
    func trimming() throws {
        var bytes = [UInt8](repeating: 0, count: 5 * 4 * 4)
        for (x, y) in [(1, 2), (3, 1)] { bytes[(y * 5 + x) * 4 + 3] = 9 }
        let layer = ImageLayer(name: "a", pixels: try PixelBuffer(width: 5, height: 4, bytes: bytes), x: 10, y: -3)
        let trimmed = layer.trimmed()
        #expect(trimmed.x == 11 && trimmed.y == -2 && trimmed.pixels?.width == 3 && trimmed.pixels?.height == 2)
        #expect(trimmed.trimmed() == trimmed)
        #expect(try layer.onCanvas(width: 20, height: 9) == trimmed.onCanvas(width: 20, height: 9))
        let box = try #require(layer.visibleBox)
        #expect(box == (11, -2, 3, 2))
        let empty = ImageLayer(name: "e", pixels: try PixelBuffer(width: 5, height: 4)).trimmed()
        #expect(empty.pixels == nil && empty.visibleBox == nil)
    }
}
