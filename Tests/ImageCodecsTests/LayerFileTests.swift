import Foundation
import ImageCodecs
import Testing

@Suite("Files of layers")
struct LayerFileTests {
    private static let small = PSDReaderTests.small

    @Test("OpenRaster: what is written comes back")
    func openRaster() throws {
        for tree in [try LayerSamples.simple(), try LayerSamples.modes()] {
            let file = try OpenRasterWriter.encode(tree, png: PNGOptions(clearsTransparentColor: false))
            let read = try LayerFileReader.read(file, options: Self.small)
            let kept = PSDReaderTests.kept(tree.nodes)
            #expect(read == (try LayerTree(width: tree.width, height: tree.height, nodes: kept)))
            #expect(file == (try OpenRasterWriter.encode(tree, png: PNGOptions(clearsTransparentColor: false))))
            let archive = try ZIPReader(file)
            #expect(archive.names.first == "mimetype")
            #expect(archive.names.suffix(2) == ["mergedimage.png", "Thumbnails/thumbnail.png"])
            let merged = try ImageDecoder.decode(archive.read("mergedimage.png", limit: 1 << 20)).pixels
            #expect(merged == Composite.flatten(tree))
        }
        #expect(throws: ImageError.cannotHold(format: "OpenRaster", what: "clipped layers")) {
            try OpenRasterWriter.encode(LayerSamples.everything())
        }
    }

    @Test(
        "what Mica writes is as its flat picture says: rounding is no difference, eight levels are",
        arguments: [0, 1, 2])
    func flatPicturesOfFaintLayers(_ kind: Int) throws {
        let layers = try (0..<3).map { index in
            try LayerSamples.layer(
                "\(index)", x: index, y: 0, width: 60, height: 64, kind: kind + index, opacity: UInt8(90 + 40 * index))
        }
        let tree = try LayerTree(width: 64, height: 64, nodes: layers.map { .layer($0) })
        let exactly = PNGOptions(clearsTransparentColor: false)
        for file in [try PSDWriter.encode(tree), try OpenRasterWriter.encode(tree, png: exactly)] {
            let flat = try LayerFileReader.readFile(file).flattened()
            #expect(flat.difference == nil && flat.rounding == .once, "\(flat.difference?.description ?? "")")
        }
        // The same file with a flat picture that is eight levels off.
        let archive = try ZIPReader(OpenRasterWriter.encode(tree, png: exactly))
        var changed = ZIPWriter()
        for name in archive.names {
            var bytes = try archive.read(name, limit: 1 << 20)
            if name == "mergedimage.png" {
                let pixels = try ImageDecoder.decode(bytes).pixels
                let values = pixels.bytes.enumerated().map { $0.offset % 4 == 3 ? $0.element : $0.element ^ 8 }
                bytes = try PNGEncoder.encode(PixelBuffer(width: 64, height: 64, bytes: values), options: exactly)
            }
            try changed.add(name, bytes)
        }
        #expect(try LayerFileReader.readFile(changed.finish()).flattened().difference != nil)
    }

    /// An OpenRaster file with a stack of one's own over one small picture.
    private static func openRaster(_ stack: String, mimetype: String = "image/openraster") throws -> [UInt8] {
        var archive = ZIPWriter()
        try archive.add("mimetype", Array(mimetype.utf8))
        try archive.add("stack.xml", Array(stack.utf8), compression: .deflated)
        let picture = try PixelBuffer(width: 2, height: 2, red: 7, alpha: 255)
        try archive.add("data/a.png", try PNGEncoder.encode(picture))
        return archive.finish()
    }

    private static let image = "<image w='4' h='3'><stack><layer src='data/a.png' x='1'/></stack></image>"

    @Test("OpenRaster as others write it: quotes, comments, entities, what is left out")
    func variants() throws {
        let stack = """
            <?xml version='1.0'?><!-- a <comment> -->
            <image version="0.0.3" w="4" h="3" ><stack x="0" y="0" name="root">
              <layer name='A &amp; &#x7FA4;&#39;' src="data/a.png" opacity="0.5"
                visibility="hidden" x="-1" y="1"></layer>
              <stack isolation="auto"><!-- --><layer src="data/a.png" composite-op="svg:plus"/></stack>
              <stack name="i" composite-op="svg:multiply"/>
            </stack></image>
            """
        let tree = try LayerFileReader.read(Self.openRaster(stack))
        #expect(tree.nodes.map(\.name) == ["i", "group 2", "A & 群'"])
        guard case .group(let isolated) = tree.nodes[0], case .group(let through) = tree.nodes[1] else {
            Issue.record("no groups")
            return
        }
        #expect(isolated.blending == .isolated(.multiply) && isolated.children.isEmpty)
        #expect(through.blending == .passThrough)
        #expect(through.children.flatMap(\.layers).map(\.blendMode) == [.linearDodge])
        let top = try #require(tree.layers.last)
        #expect(top.opacity == 128 && !top.isVisible && top.x == -1 && top.y == 1)
    }

    @Test(
        "OpenRaster that is refused",
        arguments: [
            "", "<image/>", "<image w='4' h='3'>", "<image w='4' h='3'></imag>", "<image w='0' h='3'><stack/></image>",
            "<image w='4' h='99999999999'><stack/></image>", "<image w='4' h='3' w='5'><stack/></image>",
            "<!DOCTYPE image [<!ENTITY a 'b'>]><image w='4' h='3'><stack/></image>",
            "<image w='4' h='3'><stack><layer src='&a;'/></stack></image>",
            "<image w='4' h='3'><stack><layer src='&#0;'/></stack></image>",
            "<image w='4' h='3'><stack><layer src='../a.png'/></stack></image>",
            "<image w='4' h='3'><stack><layer/></stack></image>", image + "x", image + image,
            "<image w='4' h='3'><stack><layer src='data/a.png' opacity='2'/></stack></image>",
            "<image w='4' h='3'><stack><layer src='data/a.png' opacity='nan'/></stack></image>",
            "<image w='4' h='3'><stack><layer src='data/a.png' x='1e9'/></stack></image>",
            "<image w='4' h='3'><stack><layer src='data/a.png' composite-op='svg:dst-out'/></stack></image>",
            "<image w='4' h='3'><stack><text/></stack></image>",
            "<image w='4' h='3'>" + String(repeating: "<stack>", count: 70),
        ])
    func refusals(_ stack: String) throws {
        let file = try Self.openRaster(stack)
        let error = #expect(throws: ImageError.self) { try LayerFileReader.read(file) }
        #expect(error?.description.contains("\n") == false)
    }

    @Test("OpenRaster altered and cut: an error or a tree")
    func hostileOpenRaster() throws {
        _ = try LayerFileReader.read(Self.openRaster(Self.image))
        mutate(Array(Self.image.utf8), count: 400, seed: 9) { (altered) throws(ImageError) in
            // The archive's sums guard the text: it is put into a new one.
            guard let file = try? Self.openRaster(String(decoding: altered, as: UTF8.self)) else { return }
            _ = try LayerFileReader.read(file, options: Self.small)
        }
        let file = try OpenRasterWriter.encode(LayerSamples.simple())
        for cut in stride(from: 0, to: file.count, by: 7) {
            #expect(throws: ImageError.self) { try LayerFileReader.read(Array(file[..<cut])) }
        }
        mutate(file, count: 300, seed: 10) { (altered) throws(ImageError) in
            _ = try LayerFileReader.read(altered, options: Self.small)
        }
    }

    /// A ZIP of a manifest and two pictures.
    private static func archive(_ manifest: String, folder: String = "") throws -> [UInt8] {
        var archive = ZIPWriter()
        try archive.add(folder + "manifest.json", Array(manifest.utf8), compression: .deflated)
        let picture = try PixelBuffer(width: 6, height: 5, red: 200, alpha: 255)
        try archive.add(folder + "a.png", try PNGEncoder.encode(picture))
        let second = try PixelBuffer(width: 2, height: 2, green: 100, alpha: 128)
        try archive.add(folder + "b.webp", try WebPEncoder.encode(second))
        return archive.finish()
    }

    @Test("a manifest: offsets, opacity, modes, groups, several images", arguments: ["", "result/"])
    func manifest(_ folder: String) throws {
        let manifest = """
            {"seed": 7, "layers": [{"file": "a.png"},
             {"file": "b.webp", "name": "B", "x": -1, "y": 2, "opacity": 0.5, "visible": false, "group": 2},
             {"file": "b.webp", "blend_mode": "multiply", "clipped": true, "group": 1},
             {"file": "b.webp", "image": 2}],
             "groups": [{"id": 1, "name": "outer", "opacity": 0.2, "blend_mode": "pass-through"},
              {"id": 2, "group": 1, "blend_mode": "screen", "visible": false}]}
            """
        let file = try Self.archive(manifest, folder: folder)
        let tree = try LayerFileReader.read(file)
        #expect(tree.width == 6 && tree.height == 5)
        #expect(tree.nodes.map(\.name) == ["a.png", "outer"])
        guard case .group(let outer) = tree.nodes[1], case .group(let inner) = outer.children[0] else {
            Issue.record("no groups")
            return
        }
        #expect(outer.opacity == 51 && outer.blending == .passThrough && outer.children.count == 2)
        #expect(inner.name == "group 2" && inner.blending == .isolated(.screen) && !inner.isVisible)
        let layer = try #require(inner.children.first?.layers.first)
        #expect(layer.name == "B" && layer.x == -1 && layer.y == 2 && layer.opacity == 128 && !layer.isVisible)
        #expect(outer.children[1].layers.first?.blendMode == .multiply && outer.children[1].isClipped)
        #expect(try LayerFileReader.read(file, image: 2).layers.map(\.name) == ["b.webp"])
        #expect(throws: ImageError.self) { try LayerFileReader.read(file, image: 3) }
    }

    @Test(
        "manifests that are refused",
        arguments: [
            "", "[]", "{}", "{\"layers\": []}", "{\"layers\": [{}]}", "{\"layers\": [{\"file\": 1}]}",
            "{\"layers\": [{\"file\": \"c.png\"}]}", "{\"layers\": [{\"file\": \"../a.png\"}]}",
            "{\"layers\": [{\"file\": \"a.png\", \"x\": 99999999}]}",
            "{\"layers\": [{\"file\": \"a.png\", \"x\": 1e40}]}",
            "{\"layers\": [{\"file\": \"a.png\", \"opacity\": 1.1}]}",
            "{\"layers\": [{\"file\": \"a.png\", \"blend_mode\": \"dissolve\"}]}",
            "{\"layers\": [{\"file\": \"a.png\", \"group\": 1}]}",
            "{\"layers\": [{\"file\": \"a.png\", \"group\": 1}], \"groups\": [{\"id\": 1, \"group\": 1}]}",
            "{\"layers\": [{\"file\": \"a.png\", \"group\": 1}, {\"file\": \"a.png\"},"
                + " {\"file\": \"a.png\", \"group\": 1}], \"groups\": [{\"id\": 1}]}",
            "{\"layers\": [{\"file\": \"a.png\"}], \"groups\": [{\"id\": 1}, {\"id\": 1}]}",
            "{\"width\": 6, \"layers\": [{\"file\": \"a.png\"}]}",
            "{\"height\": 5, \"layers\": [{\"file\": \"a.png\"}]}",
            "{\"width\": 0, \"height\": 4, \"layers\": [{\"file\": \"a.png\"}]}",
            "{\"width\": 900000, \"height\": 4, \"layers\": [{\"file\": \"a.png\"}]}",
            String(repeating: "[", count: 3_000),
        ])
    func badManifests(_ manifest: String) throws {
        let file = try Self.archive(manifest)
        let error = #expect(throws: ImageError.self) { try LayerFileReader.read(file) }
        #expect(error?.description.contains("\n") == false)
    }

    @Test("pixels of all pictures together are counted before they are decoded")
    func bombs() throws {
        let entry = "{\"file\": \"a.png\"}"
        let manifest = "{\"layers\": [\([String](repeating: entry, count: 100).joined(separator: ","))]}"
        let file = try Self.archive(manifest)
        let enough = LayerReadOptions(maximumLayerPixels: 3_000)
        #expect(try LayerFileReader.read(file, options: enough).layers.count == 100)
        let tooMany = ImageError.tooManyPixels(width: 6, height: 5, limit: 29)
        #expect(throws: ImageError.inPicture(name: "a.png", tooMany)) {
            try LayerFileReader.read(file, options: LayerReadOptions(maximumLayerPixels: 2_999))
        }
    }

    /// Each layer's and each group's own pixels, which are drawn one after another.
    @Test("pixels that are drawn are counted, those of groups too")
    func tooMuchToDraw() throws {
        let entry = "{\"file\": \"a.png\", \"group\": 1}"
        let file = try Self.archive("{\"layers\": [\(entry), \(entry)], \"groups\": [{\"id\": 1}]}")
        #expect(try LayerFileReader.read(file, options: LayerReadOptions(maximumDrawnPixels: 90)).layers.count == 2)
        #expect(throws: ImageError.tooMuchToDraw(pixels: 90, limit: 89)) {
            try LayerFileReader.read(file, options: LayerReadOptions(maximumDrawnPixels: 89))
        }
        // What nobody sees is not drawn.
        let hidden = try Self.archive(
            "{\"layers\": [{\"file\": \"a.png\"}, {\"file\": \"a.png\", \"visible\": false}]}")
        #expect(try LayerFileReader.read(hidden, options: LayerReadOptions(maximumDrawnPixels: 30)).layers.count == 2)
    }

    @Test("a canvas of one side, and modes that a group may have, are said")
    func reasonsOfManifests() throws {
        for (manifest, expected) in [
            ("{\"width\": 6, \"layers\": [{\"file\": \"a.png\"}]}", "it gives a width alone"),
            ("{\"height\": 5, \"layers\": [{\"file\": \"a.png\"}]}", "it gives a height alone"),
            (
                "{\"layers\": [{\"file\": \"a.png\", \"group\": 1}],"
                    + " \"groups\": [{\"id\": 1, \"blend_mode\": \"pass\"}]}", "pass-through"
            ),
        ] {
            let error = #expect(throws: ImageError.self) { try LayerFileReader.read(Self.archive(manifest)) }
            #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
        }
    }

    @Test("a name is the same, however its letters are composed")
    func composedNames() throws {
        var archive = ZIPWriter()
        try archive.add("manifest.json", Array("{\"layers\": [{\"file\": \"\u{E9}.png\"}]}".utf8))
        try archive.add("e\u{301}.png", try PNGEncoder.encode(PixelBuffer(width: 6, height: 5, red: 1, alpha: 255)))
        #expect(try LayerFileReader.read(archive.finish()).width == 6)
    }

    @Test("a picture that is named often is read once")
    func picturesNamedOften() throws {
        let names = (0..<50).map { "{\"file\": \"\($0 % 2 == 0 ? "a.png" : "./b.png")\"}" }
        let manifest = try LayerManifest(Array("{\"layers\": [\(names.joined(separator: ","))]}".utf8))
        let picture = try PNGEncoder.encode(PixelBuffer(width: 2, height: 2, red: 7, alpha: 255))
        var read: [String] = []
        let tree = try manifest.tree { (name) throws(ImageError) in
            read.append(name)
            return picture
        }
        #expect(read == ["a.png", "b.png"] && tree.layers.count == 50)
        #expect(Set(tree.layers.map(\.name)) == ["a.png", "b.png"])
    }

    @Test("bytes of pictures are counted over all of them, whatever they are for")
    func bytesBesidePixels() throws {
        // Behind the header a chunk that nobody knows; its sum is wrong, which does not matter in such a chunk.
        let small = try PNGEncoder.encode(PixelBuffer(width: 1, height: 1))
        let length = 40 << 20
        let place = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
        let padded =
            small[..<33] + place + Array("prIv".utf8) + [UInt8](repeating: 0, count: length + 4) + small[33...]
        func manifest(_ count: Int) throws -> LayerManifest {
            let layers = (0..<count).map { "{\"file\": \"\($0).png\"}" }.joined(separator: ",")
            return try LayerManifest(Array("{\"layers\": [\(layers)]}".utf8))
        }
        let options = LayerReadOptions(maximumLayerPixels: 100)
        #expect(try manifest(1).tree(options: options) { (_) throws(ImageError) in Array(padded) }.layers.count == 1)
        let error = #expect(throws: ImageError.self) {
            try manifest(2).tree(options: options) { (_) throws(ImageError) in Array(padded) }
        }
        guard case .inputTooLarge(2 * padded.count, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("what is wrong with one of several pictures is said with its name")
    func namesInErrors() throws {
        let picture = try PNGEncoder.encode(PixelBuffer(width: 2, height: 2, red: 7, alpha: 255))
        let cut = Array(picture.dropLast(20))
        var archive = ZIPWriter()
        try archive.add("manifest.json", Array("{\"layers\": [{\"file\": \"a.png\"}, {\"file\": \"b.png\"}]}".utf8))
        try archive.add("a.png", picture)
        try archive.add("b.png", cut)
        #expect(throws: ImageError.inPicture(name: "b.png", .truncated(.png))) {
            try LayerFileReader.read(archive.finish())
        }
        var raster = ZIPWriter()
        let stack = "<image w='4' h='3'><stack><layer name='sky' src='a'/><layer name='sea' src='b'/></stack></image>"
        try raster.add("mimetype", Array("image/openraster".utf8))
        try raster.add("stack.xml", Array(stack.utf8))
        try raster.add("a", cut)
        try raster.add("b", picture)
        let error = #expect(throws: ImageError.self) { try LayerFileReader.read(raster.finish()) }
        #expect(error?.description.hasPrefix("\"sky\": the PNG file is truncated") == true)
    }

    @Test(
        "a number that a manifest cannot have is told from what is no JSON",
        arguments: ["1.5", "1e30", "99999999999999999999"])
    func numbersInManifests(_ number: String) throws {
        let error = #expect(throws: ImageError.self) {
            try LayerManifest(Array("{\"layers\": [{\"file\": \"a.png\", \"x\": \(number)}]}".utf8))
        }
        #expect(error?.description.contains("x, y, width, height") == true, "\(error?.description ?? "")")
    }

    @Test("files without layers are told from damaged ones")
    func noLayers() throws {
        let png = try PNGEncoder.encode(try PixelBuffer(width: 1, height: 1))
        #expect(throws: ImageError.noLayers) { try LayerFileReader.read(png) }
        #expect(throws: ImageError.noLayers) { try LayerFileReader.read([]) }
        var archive = ZIPWriter()
        try archive.add("a.png", png)
        #expect(throws: ImageError.noLayers) { try LayerFileReader.read(archive.finish()) }
    }

    @Test("slides: a part for each picture, the same bytes twice, what slides have no words for")
    func slides() throws {
        let tree = try LayerSamples.simple()
        let file = try SlideWriter.encode([tree, tree])
        #expect(file == (try SlideWriter.encode([tree, tree])))
        let archive = try ZIPReader(file)
        #expect(archive.names.first == "[Content_Types].xml")
        #expect(archive.names.filter { $0.hasPrefix("ppt/media/") }.count == 8)
        let slide = String(decoding: try archive.read("ppt/slides/slide2.xml", limit: 1 << 20), as: UTF8.self)
        #expect(slide.contains("name=\"背景 &lt;🐈&gt;\"") && slide.contains("amt=\"50196\""))
        #expect(slide.contains("hidden=\"1\""))
        #expect(throws: ImageError.self) { try SlideWriter.encode([LayerSamples.modes()]) }
        #expect(throws: ImageError.self) { try SlideWriter.encode([LayerSamples.everything()]) }
        #expect(throws: ImageError.self) { try SlideWriter.encode([]) }
    }

    @Test("lossless WebP gives every pixel back", arguments: [(1, 1), (37, 29), (300, 5)])
    func webP(_ width: Int, _ height: Int) throws {
        for kind in 0..<3 {
            let bytes = Pattern.bytes(width: width, height: height, channels: 4, kind: kind, seed: 5)
            let image = try PixelBuffer(width: width, height: height, bytes: bytes)
            let exact = try WebPEncoder.encode(image, clearsTransparentColor: false)
            #expect(try ImageDecoder.decode(exact).pixels == image)
        }
        let wide = try PixelBuffer(width: WebPEncoder.maximumSide + 1, height: 1)
        #expect(throws: ImageError.self) { try WebPEncoder.encode(wide) }
    }

    @Test("a contact sheet shows every layer, whatever its shape and name")
    func contactSheet() throws {
        for tree in [
            try LayerSamples.simple(), try LayerSamples.everything(),
            try LayerTree(width: 3_000, height: 2, nodes: [.layer(ImageLayer(name: "é", pixels: nil))]),
        ] {
            let sheet = try ContactSheet.draw(tree)
            #expect(sheet.isOpaque)
            #expect(sheet == (try ContactSheet.draw(tree)))
            #expect((200...3_000).contains(sheet.width) && (60...3_000).contains(sheet.height))
        }
    }

    @Test(
        "a contact sheet has few layers of a large canvas in memory at once, and many of a small one",
        arguments: [(10_000, 10_000, 1), (300_000, 3_000, 1), (4_000, 4_000, 8), (640, 640, 327), (1, 1, 1 << 27)])
    func contactSheetMemory(_ width: Int, _ height: Int, _ count: Int) throws {
        let tree = try LayerTree(width: width, height: height, nodes: [])
        #expect(ContactSheet.layersAtOnce(tree) == count)
    }

    @Test("notes go into a PNG without touching its pixels")
    func texts() throws {
        let image = try PixelBuffer(width: 3, height: 2, red: 9, alpha: 200)
        let notes = [
            PNGOptions.Text(key: "parameters", value: "a cat\nSteps: 4"), .init(key: "mica", value: "{\"群\": 1}"),
        ]
        let plain = try PNGEncoder.encode(image)
        let noted = try PNGTexts.inserting(notes, into: plain)
        #expect(try ImageDecoder.decode(noted).pixels == image)
        #expect(noted.firstRange(of: Array("tEXtparameters\u{0}a cat\nSteps: 4".utf8)) != nil)
        #expect(noted.firstRange(of: Array("iTXtmica\u{0}".utf8)) != nil)
        #expect(try PNGTexts.inserting([], into: plain) == plain)
    }
}
