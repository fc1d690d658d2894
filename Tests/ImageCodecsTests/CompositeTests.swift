import ImageCodecs
import Testing

/// A picture whose pixels over white Pillow gave, by `tools/make_image_fixtures.py`.
struct CompositeCase: Decodable, Sendable {
    let kind: Int
    let seed: UInt32
    let crc: UInt32

    static let all: [CompositeCase] = (try? Fixture.json("composite.json", as: [CompositeCase].self)) ?? []
}

/// Source-over by its definition, in double precision: premultiplied colours 0...255 and alpha 0...1 a pixel.
func exactComposite(_ layers: [ImageLayer]) -> [SIMD4<Double>] {
    let count = layers[0].pixels.map { $0.width * $0.height } ?? 0
    var sums = [SIMD4<Double>](repeating: .zero, count: count)
    for layer in layers where layer.isVisible {
        guard let pixels = layer.pixels else { continue }
        for pixel in 0..<count {
            let bytes = pixels.bytes[pixel * 4..<pixel * 4 + 4].map(Double.init)
            let share = bytes[3] / 255 * Double(layer.opacity) / 255
            let color = SIMD4(bytes[0] * share, bytes[1] * share, bytes[2] * share, share)
            sums[pixel] = color + sums[pixel] * (1 - share)
        }
    }
    return sums
}

@Suite("Composite")
struct CompositeTests {
    private func layer(_ index: Int) throws -> ImageLayer {
        let bytes = Pattern.bytes(width: 37, height: 29, channels: 4, kind: index % 3, seed: UInt32(index + 1))
        return ImageLayer(
            name: "\(index)", pixels: try PixelBuffer(width: 37, height: 29, bytes: bytes),
            opacity: index % 4 == 3 ? 90 : 255)
    }

    @Test("over white equals Pillow's alpha_composite bit for bit", arguments: CompositeCase.all)
    func overWhite(_ fixture: CompositeCase) throws {
        let bytes = Pattern.bytes(width: 67, height: 59, channels: 4, kind: fixture.kind, seed: fixture.seed)
        let image = try PixelBuffer(width: 67, height: 59, bytes: bytes)
        #expect(crc32(Composite.overWhite(image).bytes) == fixture.crc)
    }

    /// A half is the rounding itself, the rest is for single precision.
    @Test("a stack is its definition, rounded once", arguments: [1, 2, 3, 5, 12])
    func equalsDefinition(_ count: Int) throws {
        #expect(CompositeCase.all.count == 3)
        let layers = try (0..<count).map { try layer($0) }
        let flat = try Composite.flatten(LayerTree(layers: layers))
        var worst = 0.0
        for (pixel, exact) in exactComposite(layers).enumerated() {
            worst = max(worst, abs(exact[3] * 255 - Double(flat.bytes[pixel * 4 + 3])))
            guard flat.bytes[pixel * 4 + 3] > 0 else { continue }
            for channel in 0..<3 {
                worst = max(worst, abs(exact[channel] / exact[3] - Double(flat.bytes[pixel * 4 + channel])))
            }
        }
        #expect(worst < 0.501)
    }

    @Test("a single layer comes out as it is, without colour under alpha 0")
    func singleLayer() throws {
        let only = try layer(0)
        var expected = try #require(only.pixels).bytes
        for offset in stride(from: 0, to: expected.count, by: 4) where expected[offset + 3] == 0 {
            expected.replaceSubrange(offset..<offset + 3, with: [0, 0, 0])
        }
        #expect(try Composite.flatten(LayerTree(layers: [only])).bytes == expected)
    }

    private func flat(_ layers: [ImageLayer]) throws -> PixelBuffer { Composite.flatten(try LayerTree(layers: layers)) }

    @Test("hidden layers and opacity")
    func visibility() throws {
        let bottom = try layer(0)
        var top = try layer(1)
        top.isVisible = false
        #expect(try flat([bottom, top]) == flat([bottom]))
        top.isVisible = true
        top.opacity = 0
        #expect(try flat([bottom, top]) == flat([bottom]))
        let white = ImageLayer(
            name: "w", pixels: try PixelBuffer(width: 2, height: 1, red: 255, green: 255, blue: 255, alpha: 255))
        let black = ImageLayer(name: "b", pixels: try PixelBuffer(width: 2, height: 1, alpha: 255), opacity: 128)
        #expect(try flat([white, black]).bytes == [127, 127, 127, 255, 127, 127, 127, 255])
    }

    /// A group is drawn where it holds something. With a layer of nothing as large as the canvas in it, that is
    /// everywhere, and the picture must be the same.
    @Test("what a group holds says where it is drawn, and nothing else", arguments: [true, false])
    func groupBoxes(_ hasFaintGroups: Bool) throws {
        func layers(_ name: String, _ mode: BlendMode, isClipped: Bool = false) throws -> [LayerNode] {
            [
                .layer(try LayerSamples.layer("\(name)1", x: 21, y: 5, width: 9, height: 12, blendMode: mode)),
                .layer(
                    try LayerSamples.layer(
                        "\(name)2", x: -3, y: 11, width: 30, height: 4, kind: 1, opacity: 150, isClipped: isClipped)),
            ]
        }
        let opacity: UInt8 = hasFaintGroups ? 130 : 255
        let through = LayerGroup(
            name: "t", children: try layers("t", .multiply), opacity: opacity, blending: .passThrough)
        let isolated = LayerGroup(
            name: "i", children: try layers("i", .screen, isClipped: true) + [.group(through)], opacity: opacity,
            blending: .isolated(.overlay))
        var clipped = LayerGroup(name: "c", children: try layers("c", .difference), opacity: opacity, isClipped: true)
        var nodes = try LayerSamples.everything().nodes
        nodes += [.group(isolated), .group(clipped)]
        clipped.blending = .passThrough
        nodes += [.group(through), .group(clipped)]
        let tree = try LayerTree(width: 40, height: 30, nodes: nodes)
        let nothing = LayerNode.layer(ImageLayer(name: "n", pixels: try PixelBuffer(width: 40, height: 30)))
        func filled(_ nodes: [LayerNode]) -> [LayerNode] {
            nodes.map { node in
                guard case .group(var group) = node else { return node }
                group.children = [nothing] + filled(group.children)
                return .group(group)
            }
        }
        let wide = try LayerTree(width: 40, height: 30, nodes: filled(nodes))
        #expect(Composite.flatten(tree) == Composite.flatten(wide))
    }

    /// Groups of a layer each, which is `side` pixels wide and high.
    private static func groups(_ count: Int, side: Int) throws -> LayerTree {
        let pixels = try PixelBuffer(width: side, height: side, red: 255, alpha: 255)
        let nodes = (0..<count).map { place in
            let layer = ImageLayer(name: "l", pixels: pixels, x: place % 50, y: place / 50)
            return LayerNode.group(LayerGroup(name: "g", children: [.layer(layer)], blending: .isolated(.multiply)))
        }
        return try LayerTree(width: 600, height: 600, nodes: nodes)
    }

    /// Each of 2,000 groups took the whole canvas. Compared with groups that do, by the time of processors that a
    /// process of its own takes: on a clock, other tests count too.
    @Test("many groups of a pixel each are little work")
    func manySmallGroups() async throws {
        let flat = Composite.flatten(try Self.groups(2_000, side: 1))
        #expect(stride(from: 0, to: flat.bytes.count, by: 4).count { flat.bytes[$0] == 255 } == 2_000)
        await #expect(processExitsWith: .success) { try CompositeTests.checkSmallGroups() }
    }

    private static func checkSmallGroups() throws {
        let (small, large) = (try groups(2_000, side: 1), try groups(20, side: 600))
        let smallTime = processorSeconds { _ = Composite.flatten(small) }
        let largeTime = processorSeconds { _ = Composite.flatten(large) }
        #expect(smallTime < 20 * largeTime, "\(smallTime) s, and \(largeTime) s for 20 large ones")
    }

    @Test("work that is cancelled gives nothing")
    func cancelled() throws {
        // Several strips.
        let layer = ImageLayer(name: "l", pixels: try PixelBuffer(width: 1, height: 1))
        let file = LayerFile(try LayerTree(width: 1_024, height: 512, nodes: [.layer(layer)]))
        #expect(file.flattened(.once, isCancelled: { false })?.pixels.height == 512)
        for rounding in Rounding.allCases {
            #expect(file.flattened(rounding, isCancelled: { true }) == nil)
        }
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
