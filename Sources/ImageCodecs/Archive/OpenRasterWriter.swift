import Foundation

/// Writes OpenRaster (ORA), the layered format of Krita, GIMP and MyPaint.
///
/// Source: OpenRaster baseline specification 0.0.5 (freedesktop.org).
public enum OpenRasterWriter {
    /// The media type, which is also the first file's content.
    public static let mediaType = "image/openraster"
    /// The flat picture's file.
    static let mergedName = "mergedimage.png"
    private static let thumbnailSide = 256

    /// Encodes a tree; layers are trimmed. The same tree gives the same bytes.
    ///
    /// Throws `ImageError.cannotHold` for clipped layers and faint groups that pass through, which the format has no
    /// words for, and what `PNGEncoder` and `ZIPWriter` throw.
    public static func encode(
        _ tree: LayerTree, png: PNGOptions = PNGOptions()
    ) throws(ImageError) -> [UInt8] {
        // First, so that the flat picture is not there beside the files.
        let (mergedFile, thumbnail) = try flatPictures(tree)
        var stack = Stack()
        try stack.add(tree.nodes, indent: "    ")
        var pictures = try Parallel.map(stack.pictures) { (pixels) throws(ImageError) in
            try PNGEncoder.encode(pixels, options: png)
        }
        var archive = ZIPWriter(roomFor: pictures + [mergedFile, thumbnail])
        try archive.add("mimetype", Array(mediaType.utf8), compression: .stored)
        try archive.add("stack.xml", Array(document(tree, stack.lines).utf8), compression: .deflated)
        for index in pictures.indices {
            try archive.add(Stack.fileName(index), pictures[index], compression: .stored)
            pictures[index] = []
        }
        try archive.add(mergedName, mergedFile, compression: .stored)
        try archive.add("Thumbnails/thumbnail.png", thumbnail, compression: .stored)
        return archive.finish()
    }

    /// The PNGs of the flat picture, as it is and small.
    private static func flatPictures(_ tree: LayerTree) throws(ImageError) -> ([UInt8], [UInt8]) {
        let merged = Composite.flatten(tree)
        return (try PNGEncoder.encode(merged), try PNGEncoder.encode(merged.fitted(within: thumbnailSide)))
    }

    private static func document(_ tree: LayerTree, _ lines: [String]) -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <image version="0.0.5" w="\(tree.width)" h="\(tree.height)" xres="300" yres="300">
          <stack>
        \(lines.joined(separator: "\n"))
          </stack>
        </image>

        """
    }

    /// The lines of `stack.xml`, the top layer first, and the pictures that they name.
    private struct Stack {
        private(set) var lines: [String] = []
        private(set) var pictures: [PixelBuffer] = []

        static func fileName(_ index: Int) -> String { "data/layer\(index).png" }

        mutating func add(_ nodes: [LayerNode], indent: String) throws(ImageError) {
            for node in nodes.reversed() {
                guard !node.isClipped else { throw .cannotHold(format: "OpenRaster", what: "clipped layers") }
                switch node {
                case .layer(let layer): try add(layer, indent)
                case .group(let group): try add(group, indent)
                }
            }
        }

        private mutating func add(_ layer: ImageLayer, _ indent: String) throws(ImageError) {
            let trimmed = layer.trimmed()
            lines.append(
                "\(indent)<layer name=\"\(XMLText.escaped(layer.name))\" src=\"\(Self.fileName(pictures.count))\""
                    + " x=\"\(trimmed.x)\" y=\"\(trimmed.y)\""
                    + attributes(layer.opacity, layer.isVisible, layer.blendMode) + "/>")
            pictures.append(trimmed.picture)
        }

        private mutating func add(_ group: LayerGroup, _ indent: String) throws(ImageError) {
            var mode = BlendMode.normal
            var isolation = "auto"
            switch group.blending {
            case .isolated(let own): (mode, isolation) = (own, "isolate")
            case .passThrough:
                guard group.opacity == 255 else {
                    throw .cannotHold(format: "OpenRaster", what: "faint groups that pass through")
                }
            }
            lines.append(
                "\(indent)<stack name=\"\(XMLText.escaped(group.name))\" isolation=\"\(isolation)\""
                    + attributes(group.opacity, group.isVisible, mode) + ">")
            try add(group.children, indent: indent + "  ")
            lines.append("\(indent)</stack>")
        }

        private func attributes(_ opacity: UInt8, _ isVisible: Bool, _ mode: BlendMode) -> String {
            let strength = String(format: "%.6f", locale: Locale(identifier: "en_US_POSIX"), Double(opacity) / 255)
            return " opacity=\"\(strength)\" visibility=\"\(isVisible ? "visible" : "hidden")\""
                + " composite-op=\"\(mode.openRasterName)\""
        }
    }
}

extension PixelBuffer {
    /// The picture scaled down so that no side is longer than `side`; itself if it fits.
    func fitted(within side: Int) throws(ImageError) -> PixelBuffer {
        let longest = max(width, height)
        guard longest > side else { return self }
        return try Resampler.resize(
            self, width: max(1, width * side / longest), height: max(1, height * side / longest), filter: .bicubic)
    }
}
