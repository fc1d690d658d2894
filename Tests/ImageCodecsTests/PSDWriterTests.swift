import ImageCodecs
import Testing

@Suite("PSD out")
struct PSDWriterTests {
    /// A layer whose pixels lie in a box of the canvas, the rest transparent black.
    private func layer(
        _ name: String, canvas: (Int, Int), box: (left: Int, top: Int, right: Int, bottom: Int), kind: Int,
        isOpaque: Bool = false
    ) throws -> ImageLayer {
        let (width, height) = canvas
        let pattern = Pattern.bytes(width: width, height: height, channels: 4, kind: kind, seed: UInt32(kind + 3))
        var bytes = [UInt8](repeating: 0, count: width * height * 4)
        for y in box.top..<box.bottom {
            for x in box.left..<box.right {
                let offset = (y * width + x) * 4
                for channel in 0..<4 { bytes[offset + channel] = pattern[offset + channel] }
                // No transparent pixel, so that the box is what was asked for.
                bytes[offset + 3] = isOpaque ? 255 : bytes[offset + 3] | 1
            }
        }
        return ImageLayer(name: name, pixels: try PixelBuffer(width: width, height: height, bytes: bytes))
    }

    private func stack() throws -> [ImageLayer] {
        let canvas = (301, 40)
        var hidden = try layer("hidden", canvas: canvas, box: (0, 0, 301, 40), kind: 0)
        hidden.isVisible = false
        var faint = try layer("half", canvas: canvas, box: (10, 3, 200, 31), kind: 1)
        faint.opacity = 128
        return [
            try layer("background", canvas: canvas, box: (0, 0, 301, 40), kind: 1, isOpaque: true),
            faint,
            try layer("背景 🐈", canvas: canvas, box: (100, 20, 101, 21), kind: 0),
            ImageLayer(name: "empty", pixels: try PixelBuffer(width: 301, height: 40)),
            hidden,
            try layer("blocks", canvas: canvas, box: (7, 2, 299, 39), kind: 2),
        ]
    }

    /// The plane of one channel inside a box.
    private func plane(
        _ image: PixelBuffer, _ channel: Int, _ box: (top: Int, left: Int, bottom: Int, right: Int)
    ) -> [UInt8] {
        (box.top..<box.bottom).flatMap { y in
            (box.left..<box.right).map { x in image.bytes[(y * image.width + x) * 4 + channel] }
        }
    }

    @Test("layers: names, boxes, opacity, pixels")
    func layers() throws {
        let stack = try stack()
        let file = try StrictPSD(PSDWriter.encode(LayerTree(layers: stack)))
        #expect(file.layers.map(\.name) == stack.map(\.name))
        #expect(file.layers.map(\.pascalName) == stack.map(\.name))
        #expect(file.layers.map(\.opacity) == [255, 128, 255, 255, 255, 255])
        #expect(file.layers.map(\.flags) == [8, 8, 8, 8, 10, 8])
        #expect(file.layers.map { $0.blocks["lyid"] } == (1...6).map { [0, 0, 0, UInt8($0)] })
        #expect(file.layers.allSatisfy { $0.channelIDs == [-1, 0, 1, 2] })
        let boxes = file.layers.map { [$0.box.left, $0.box.top, $0.box.right, $0.box.bottom] }
        #expect(
            boxes == [
                [0, 0, 301, 40], [10, 3, 200, 31], [100, 20, 101, 21], [0, 0, 0, 0], [0, 0, 301, 40], [7, 2, 299, 39],
            ])
        for (layer, source) in zip(file.layers, stack) where layer.box.right > 0 {
            for channel in 0..<4 {
                let id = channel == 3 ? -1 : channel
                let expected = plane(try #require(source.pixels), channel, layer.box)
                #expect(layer.planes[id] == expected, "\(layer.name) \(id)")
            }
        }
    }

    /// How far the merged image is from the stack over white, and its alpha from the stack's; 0.5 is rounding.
    private func mergeError(_ file: StrictPSD, _ stack: [ImageLayer]) -> Double {
        var worst = 0.0
        for (pixel, exact) in exactComposite(stack).enumerated() {
            for channel in 0..<3 {
                let white = exact[channel] + 255 * (1 - exact[3])
                worst = max(worst, abs(white - Double(file.mergedPlanes[channel][pixel])))
            }
            let alpha = file.mergedPlanes.count == 4 ? Double(file.mergedPlanes[3][pixel]) : 255
            worst = max(worst, abs(exact[3] * 255 - alpha))
        }
        return worst
    }

    @Test("an opaque canvas has three channels, a positive count and the source-over as merged image")
    func opaqueMerge() throws {
        let stack = try stack()
        let file = try StrictPSD(PSDWriter.encode(LayerTree(layers: stack)))
        #expect(file.width == 301 && file.height == 40)
        #expect(file.channels == 3)
        #expect(!file.hasNegativeCount)
        #expect(mergeError(file, stack) < 0.501)
        #expect(Set(file.resources.keys) == [1005, 1036, 1039, 1057])
        #expect(file.resources[1005] == [1, 44, 0, 0, 0, 1, 0, 1, 1, 44, 0, 0, 0, 1, 0, 1])
        #expect(file.resources[1057]?.prefix(5) == [0, 0, 0, 1, 1])
    }

    @Test("a transparent canvas has four channels, a negative count and a merge matted on white")
    func transparentMerge() throws {
        let stack = Array(try stack().dropFirst())
        let file = try StrictPSD(PSDWriter.encode(LayerTree(layers: stack)))
        #expect(file.channels == 4)
        #expect(file.hasNegativeCount)
        #expect(file.mergedPlanes.count == 4)
        #expect(mergeError(file, stack) < 0.501)
        #expect(Set(file.resources.keys) == [1005, 1006, 1036, 1039, 1045, 1053, 1057])
        #expect(file.resources[1006] == [12] + Array("Transparency".utf8))
        #expect(file.resources[1053] == [0, 0, 0, 0])
    }

    @Test("the thumbnail is a picture of the right shape, the profile is sRGB")
    func previews() throws {
        let file = try StrictPSD(PSDWriter.encode(LayerTree(layers: stack())))
        let thumbnail = try #require(file.resources[1036])
        #expect(thumbnail[0..<8].elementsEqual([0, 0, 0, 1, 0, 0, 0, 160]))
        let picture = try ImageDecoder.decode(Array(thumbnail.dropFirst(28)))
        #expect(picture.format == .jpeg)
        #expect(picture.pixels.width == 160 && picture.pixels.height == 21)
        let profile = try #require(file.resources[1039])
        #expect(profile[0..<4].reduce(0) { $0 << 8 | Int($1) } == profile.count)
        #expect(profile[16..<20].elementsEqual("RGB ".utf8))
        #expect(profile[36..<40].elementsEqual("acsp".utf8))
        #expect(profile[24..<36].allSatisfy { $0 == 0 })
        #expect(profile.count < 4_096)
    }

    @Test("one group around all")
    func group() throws {
        let stack = try stack()
        let file = try StrictPSD(PSDWriter.encode(LayerTree(layers: stack), options: PSDOptions(groupName: "Mica")))
        #expect(file.layers.map(\.name) == ["</Layer group>"] + stack.map(\.name) + ["Mica"])
        #expect(file.layers.first?.blocks["lsct"] == [0, 0, 0, 3])
        #expect(file.layers.last?.blocks["lsct"] == [0, 0, 0, 1] + Array("8BIMnorm".utf8))
        #expect(file.layers.first?.flags == 0x18 && file.layers.last?.flags == 0x18)
        #expect(Set(file.layers.map { $0.blocks["lyid"] }).count == stack.count + 2)
        let plain = try StrictPSD(PSDWriter.encode(LayerTree(layers: stack)))
        #expect(plain.mergedPlanes == file.mergedPlanes)
    }

    @Test("the same layers give the same bytes")
    func deterministic() throws {
        #expect(try PSDWriter.encode(LayerTree(layers: stack())) == PSDWriter.encode(LayerTree(layers: stack())))
    }

    @Test("names at the edge of what fits", arguments: [1, 2, 3, 4, 5, 126, 127, 128, 255])
    func names(_ length: Int) throws {
        let name = String(repeating: "n", count: length)
        let layer = ImageLayer(name: name, pixels: try PixelBuffer(width: 3, height: 2, red: 1, alpha: 255))
        let file = try StrictPSD(PSDWriter.encode(LayerTree(layers: [layer])))
        #expect(file.layers[0].name == name)
        #expect(file.layers[0].pascalName == String(name.prefix(127)))
        #expect((file.layers[0].blocks["luni"]?.count ?? 1) % 4 == 0)
    }

    @Test("what a tree or the format cannot hold is refused")
    func refusals() throws {
        let small = ImageLayer(name: "a", pixels: try PixelBuffer(width: 2, height: 2))
        let wide = ImageLayer(name: "w", pixels: try PixelBuffer(width: 30_001, height: 1))
        let unnamed = ImageLayer(name: "", pixels: small.pixels)
        let long = ImageLayer(name: String(repeating: "n", count: 256), pixels: small.pixels)
        for stack in [[], [unnamed], [long]] {
            #expect(throws: ImageError.self) { try LayerTree(layers: stack) }
        }
        let group = PSDOptions(groupName: "")
        #expect(throws: ImageError.self) { try PSDWriter.encode(LayerTree(layers: [small]), options: group) }
        #expect(throws: ImageError.outputTooLarge(format: "PSD", limit: "30000 pixels a side")) {
            try PSDWriter.encode(LayerTree(layers: [wide]), options: PSDOptions(size: .standard))
        }
    }

    @Test(
        "a layer larger than its small canvas asks for PSB as a large canvas does",
        arguments: [(100_000, 1), (1, 30_001)])
    func layerBeyondCanvas(_ width: Int, _ height: Int) throws {
        let layer = try LayerSamples.layer("a", x: -5, y: -7, width: width, height: height)
        let tree = try LayerTree(width: 10, height: 4, nodes: [.layer(layer)])
        let file = try PSDWriter.encode(tree)
        #expect(file[4..<6].elementsEqual([0, 2]))
        #expect(try PSDReader.read(file).layers.first?.pixels == layer.pixels)
        #expect(throws: ImageError.outputTooLarge(format: "PSD", limit: "30000 pixels a side")) {
            try PSDWriter.encode(tree, options: PSDOptions(size: .standard))
        }
    }

    @Test("rows of every length come back from PackBits", arguments: [1, 2, 3, 127, 128, 129, 255, 256, 257, 400])
    func rowLengths(_ width: Int) throws {
        for kind in 0..<3 {
            let image = try layer("r", canvas: (width, 6), box: (0, 0, width, 6), kind: kind)
            let file = try StrictPSD(PSDWriter.encode(LayerTree(layers: [image])))
            for channel in 0..<4 {
                let id = channel == 3 ? -1 : channel
                #expect(file.layers[0].planes[id] == plane(try #require(image.pixels), channel, file.layers[0].box))
            }
        }
    }
}
