/// Reads OpenRaster files that anybody may have made.
public enum OpenRasterReader {
    /// The most bytes of one picture's file.
    private static let maximumPictureByteCount = DecodeOptions.defaultMaximumByteCount

    /// Whether an archive says that it is OpenRaster.
    public static func isOpenRaster(_ archive: ZIPReader) -> Bool {
        guard archive.contains("mimetype"), let type = try? archive.read("mimetype", limit: 256) else { return false }
        return String(decoding: type, as: UTF8.self).filter { !$0.isWhitespace } == OpenRasterWriter.mediaType
    }

    /// Reads an archive into a tree. Throws `ImageError`.
    public static func read(
        _ archive: ZIPReader, options: LayerReadOptions = LayerReadOptions()
    ) throws(ImageError) -> LayerTree {
        guard isOpenRaster(archive) else { throw damaged("it does not say that it is OpenRaster") }
        let root = try XMLReader.root(of: try archive.read("stack.xml", limit: XMLReader.maximumByteCount))
        guard root.name == "image", let width = Int(root.attributes["w"] ?? ""),
            let height = Int(root.attributes["h"] ?? ""), let stack = root.children.first(where: { $0.name == "stack" })
        else { throw damaged("stack.xml has no image with a size and a stack") }
        guard width <= LayerTree.maximumSide, height <= LayerTree.maximumSide else {
            throw .sideTooLong(
                width: width, height: height, limit: LayerTree.maximumSide)
        }
        try options.checkCanvas(width: width, height: height, format: .openRaster)
        var nodes = Nodes(archive: archive, options: options)
        return try options.checked(
            LayerTree(width: width, height: height, nodes: try nodes.nodes(of: stack, depth: 0)))
    }

    /// The flat picture of an archive. Throws `ImageError` if it has none.
    static func readMerged(_ archive: ZIPReader, options: LayerReadOptions) throws(ImageError) -> PixelBuffer {
        let file = try archive.read(OpenRasterWriter.mergedName, limit: maximumPictureByteCount)
        return try ImageDecoder.decode(
            file, options: DecodeOptions(maximumPixels: options.maximumCanvasPixels, appliesOrientation: false)
        ).pixels
    }

    private static func damaged(_ detail: String) -> ImageError { .damaged(.openRaster, detail: detail) }

    /// Makes nodes of elements.
    private struct Nodes {
        private let archive: ZIPReader
        private var pictures: LayerPictures
        private var count = 0

        init(archive: ZIPReader, options: LayerReadOptions) {
            self.archive = archive
            pictures = LayerPictures(options, decoding: DecodeOptions(appliesOrientation: false))
        }

        /// Bottom first.
        mutating func nodes(of stack: XMLElement, depth: Int) throws(ImageError) -> [LayerNode] {
            guard depth <= LayerTree.maximumDepth else {
                throw .countOutOfRange(what: "groups inside one another", count: depth, limit: LayerTree.maximumDepth)
            }
            var nodes: [LayerNode] = []
            for element in stack.children.reversed() {
                count += 1
                guard count <= LayerTree.maximumNodes else {
                    throw .countOutOfRange(what: "layers and groups", count: count, limit: LayerTree.maximumNodes)
                }
                switch element.name {
                case "layer": nodes.append(.layer(try layer(element)))
                case "stack": nodes.append(.group(try group(element, depth: depth)))
                default:
                    throw .unsupportedFeature(.openRaster, detail: "an element \"\(element.name.prefix(40))\"")
                }
            }
            return nodes
        }

        private mutating func layer(_ element: XMLElement) throws(ImageError) -> ImageLayer {
            let name = LayerTree.name(element.attributes["name"] ?? "", orElse: "layer \(count)")
            guard let source = element.attributes["src"] else { throw damaged("\"\(name)\" has no picture") }
            let archive = archive
            let pixels = try pictures.pixels(of: source, named: name) { (file) throws(ImageError) in
                try archive.read(file, limit: maximumPictureByteCount)
            } check: { (file) throws(ImageError) in
                guard ImageFormat.detect(file) == .png else {
                    throw .unsupportedFeature(.openRaster, detail: "\"\(name)\" is no PNG; merge it with another layer")
                }
            }
            let mode = try mode(element, name)
            return ImageLayer(
                name: name, pixels: pixels, x: try offset(element, "x"), y: try offset(element, "y"),
                opacity: try opacity(element), isVisible: isVisible(element), blendMode: mode)
        }

        private mutating func group(_ element: XMLElement, depth: Int) throws(ImageError) -> LayerGroup {
            let name = LayerTree.name(element.attributes["name"] ?? "", orElse: "group \(count)")
            let opacity = try opacity(element)
            let mode = try mode(element, name)
            // A group passes through only if it says so and has nothing of its own to apply.
            let passes = element.attributes["isolation"] == "auto" && opacity == 255 && mode == .normal
            return LayerGroup(
                name: name, children: try nodes(of: element, depth: depth + 1), opacity: opacity,
                isVisible: isVisible(element), blending: passes ? .passThrough : .isolated(mode))
        }

        private func isVisible(_ element: XMLElement) -> Bool { element.attributes["visibility"] != "hidden" }

        private func opacity(_ element: XMLElement) throws(ImageError) -> UInt8 {
            guard let text = element.attributes["opacity"] else { return 255 }
            guard let value = Double(text), value >= 0, value <= 1 else {
                throw damaged("an opacity that is not from 0 to 1")
            }
            return UInt8((value * 255).rounded())
        }

        private func offset(_ element: XMLElement, _ key: String) throws(ImageError) -> Int {
            guard let text = element.attributes[key] else { return 0 }
            guard let value = Int(text), value.magnitude <= LayerTree.maximumOffset else {
                throw damaged("an offset that is not a whole number of pixels")
            }
            return value
        }

        private func mode(_ element: XMLElement, _ name: String) throws(ImageError) -> BlendMode {
            let text = element.attributes["composite-op"] ?? BlendMode.normal.openRasterName
            guard let mode = BlendMode.byOpenRasterName[text] else {
                throw .unsupportedFeature(
                    .openRaster,
                    detail: "\"\(name.prefix(60))\" has the blend mode \"\(text.prefix(40))\"; merge it first")
            }
            return mode
        }
    }
}
