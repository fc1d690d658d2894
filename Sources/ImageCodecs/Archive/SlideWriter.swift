/// Writes slides (PPTX): one slide a picture, one movable image a layer.
///
/// Source: ECMA-376 (Office Open XML), part 1, sections 13, 19 and 20.
public enum SlideWriter {
    /// The media type of the file.
    public static let mediaType = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    /// The most slides.
    public static let maximumSlides = 64

    /// Lengths are counted in 914,400ths of an inch (EMU); a slide's side has a range of them.
    private static let sideRange = 914_400...51_206_400
    /// An EMU count a pixel at 96 pixels an inch, as slides are shown.
    private static let usualPerPixel = 9_525.0

    /// Encodes pictures of one size; layers are trimmed, empty ones left out. The same trees give the same bytes.
    ///
    /// Throws `ImageError.countOutOfRange` for no or too many pictures, and `ImageError.cannotHold` for clipped layers
    /// and blend modes, which slides do not have.
    public static func encode(_ trees: [LayerTree], png: PNGOptions = PNGOptions()) throws(ImageError) -> [UInt8] {
        guard let canvas = trees.first, trees.count <= maximumSlides else {
            throw .countOutOfRange(what: "slides", count: trees.count, limit: maximumSlides)
        }
        let scale = Scale(width: canvas.width, height: canvas.height)
        var slides: [SlideShapes] = []
        var pictureCount = 0
        for tree in trees {
            var shapes = SlideShapes(scale: scale, firstPicture: pictureCount + 1)
            try shapes.add(tree)
            pictureCount += shapes.pictures.count
            slides.append(shapes)
        }
        var pictures = try Parallel.map(slides.flatMap(\.pictures)) { (pixels) throws(ImageError) in
            try PNGEncoder.encode(pixels, options: png)
        }
        var archive = ZIPWriter(roomFor: pictures)
        for part in SlideParts.parts(slides: slides, width: scale.slideWidth, height: scale.slideHeight) {
            try archive.add(part.name, Array(part.text.utf8), compression: .deflated)
        }
        for index in pictures.indices {
            try archive.add("ppt/media/image\(index + 1).png", pictures[index], compression: .stored)
            pictures[index] = []
        }
        return archive.finish()
    }

    /// How pixels become lengths on the slide.
    struct Scale {
        let perPixel: Double
        let slideWidth: Int
        let slideHeight: Int

        init(width: Int, height: Int) {
            let (longest, shortest) = (Double(max(width, height)), Double(min(width, height)))
            // Large enough for the short side, unless the long one then is too long.
            let wanted = max(SlideWriter.usualPerPixel, Double(SlideWriter.sideRange.lowerBound) / shortest)
            perPixel = min(wanted, Double(SlideWriter.sideRange.upperBound) / longest)
            slideWidth = Self.side(Double(width) * perPixel)
            slideHeight = Self.side(Double(height) * perPixel)
        }

        private static func side(_ length: Double) -> Int {
            min(max(Int(length.rounded()), SlideWriter.sideRange.lowerBound), SlideWriter.sideRange.upperBound)
        }

        func length(_ pixels: Int) -> Int { Int((Double(pixels) * perPixel).rounded()) }
    }
}

/// The shapes of one slide as XML, bottom first, and their pictures.
struct SlideShapes {
    let scale: SlideWriter.Scale
    /// The number of the first picture in the file, from 1.
    let firstPicture: Int
    private(set) var xml = ""
    private(set) var pictures: [PixelBuffer] = []
    /// 1 is the slide itself.
    private var lastID = 1
    private var canvas = (width: 0, height: 0)

    init(scale: SlideWriter.Scale, firstPicture: Int) {
        self.scale = scale
        self.firstPicture = firstPicture
    }

    mutating func add(_ tree: LayerTree) throws(ImageError) {
        canvas = (tree.width, tree.height)
        try add(tree.nodes, strength: 1, isVisible: true)
    }

    private mutating func add(_ nodes: [LayerNode], strength: Double, isVisible: Bool) throws(ImageError) {
        for node in nodes {
            guard !node.isClipped else { throw .cannotHold(format: "PPTX", what: "clipped layers") }
            switch node {
            case .layer(let layer): try add(layer, strength, isVisible)
            case .group(let group):
                if case .isolated(let mode) = group.blending, mode != .normal { throw Self.noBlendModes }
                // A group of slides has no opacity of its own: it goes to its pictures.
                let inner = strength * Double(group.opacity) / 255
                lastID += 1
                let frame = frame(x: 0, y: 0, width: canvas.width, height: canvas.height, hasChildren: true)
                xml += "<p:grpSp><p:nvGrpSpPr><p:cNvPr id=\"\(lastID)\" name=\"\(XMLText.escaped(group.name))\"/>"
                    + "<p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr>\(frame)</p:grpSpPr>"
                try add(group.children, strength: inner, isVisible: isVisible && group.isVisible)
                xml += "</p:grpSp>"
            }
        }
    }

    private static let noBlendModes = ImageError.cannotHold(format: "PPTX", what: "blend modes other than normal")

    private mutating func add(_ layer: ImageLayer, _ strength: Double, _ isVisible: Bool) throws(ImageError) {
        guard layer.blendMode == .normal else { throw Self.noBlendModes }
        let trimmed = layer.trimmed()
        guard let pixels = trimmed.pixels else { return }
        lastID += 1
        pictures.append(pixels)
        let opacity = Int((strength * Double(layer.opacity) / 255 * 100_000).rounded())
        let name = XMLText.escaped(layer.name)
        let hidden = isVisible && layer.isVisible ? "" : " hidden=\"1\""
        let frame = frame(x: trimmed.x, y: trimmed.y, width: pixels.width, height: pixels.height)
        let blip =
            opacity == 100_000
            ? "<a:blip r:embed=\"rId\(pictures.count + 1)\"/>"
            : "<a:blip r:embed=\"rId\(pictures.count + 1)\"><a:alphaModFix amt=\"\(opacity)\"/></a:blip>"
        xml += "<p:pic><p:nvPicPr><p:cNvPr id=\"\(lastID)\" name=\"\(name)\" descr=\"\(name)\"\(hidden)/>"
            + "<p:cNvPicPr><a:picLocks noChangeAspect=\"1\"/></p:cNvPicPr><p:nvPr/></p:nvPicPr>"
            + "<p:blipFill>\(blip)<a:stretch><a:fillRect/></a:stretch></p:blipFill>"
            + "<p:spPr>\(frame)<a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></p:spPr></p:pic>"
    }

    /// Edges are rounded, not sizes, so that neighbours meet.
    private func frame(
        x: Int, y: Int, width: Int, height: Int, hasChildren: Bool = false
    ) -> String {
        let (left, top) = (scale.length(x), scale.length(y))
        let (wide, tall) = (max(1, scale.length(x + width) - left), max(1, scale.length(y + height) - top))
        let inner = "<a:chOff x=\"\(left)\" y=\"\(top)\"/><a:chExt cx=\"\(wide)\" cy=\"\(tall)\"/>"
        let children = hasChildren ? inner : ""
        return "<a:xfrm><a:off x=\"\(left)\" y=\"\(top)\"/><a:ext cx=\"\(wide)\" cy=\"\(tall)\"/>\(children)</a:xfrm>"
    }
}
