import ImageCodecs

/// Encodes trees of a result in every form that is one file.
struct ResultForms: Sendable {
    let options: FileOptions
    private let metadata: ResultMetadata?

    /// For the result that `manifest` describes.
    init(_ manifest: ResultManifest, options: FileOptions) {
        self.options = options
        metadata = options.hasMetadata ? ResultMetadata(manifest) : nil
    }

    /// Notes inside PNGs.
    var texts: [PNGOptions.Text] { metadata?.texts ?? [] }

    /// A layered Photoshop file.
    func psd(_ tree: LayerTree, size: PSDOptions.Size = .automatic) throws(ImageError) -> [UInt8] {
        try PSDWriter.encode(
            tree,
            options: PSDOptions(
                groupName: options.hasGroup ? FileOptions.groupName : nil, size: size, xmp: metadata?.xmp ?? []))
    }

    /// An OpenRaster file.
    func openRaster(_ tree: LayerTree) throws(ImageError) -> [UInt8] {
        var nodes = tree.nodes
        if options.hasGroup { nodes = [.group(LayerGroup(name: FileOptions.groupName, children: nodes))] }
        let grouped = try LayerTree(width: tree.width, height: tree.height, nodes: nodes)
        return try OpenRasterWriter.encode(grouped, png: PNGOptions(clearsTransparentColor: false, texts: texts))
    }

    /// Slides, one a picture.
    func slides(_ trees: [LayerTree]) throws(ImageError) -> [UInt8] {
        try SlideWriter.encode(trees, png: PNGOptions(texts: texts))
    }

    /// The layers side by side.
    func sheet(_ tree: LayerTree) throws(ImageError) -> [UInt8] {
        try PNGEncoder.encode(try ContactSheet.draw(tree), options: PNGOptions(colorType: .rgb, texts: texts))
    }

    /// A single layer; the pixels are those of the tree to the last one.
    func layer(_ layer: ImageLayer) throws(ImageError) -> [UInt8] {
        // An empty layer still has a file, of one pixel.
        var pixels = try PixelBuffer(width: 1, height: 1)
        if let own = layer.pixels { pixels = own }
        switch options.layerFormat {
        case .png:
            return try PNGEncoder.encode(pixels, options: PNGOptions(clearsTransparentColor: false, texts: texts))
        case .webp: return try WebPEncoder.encode(pixels, clearsTransparentColor: false)
        }
    }
}
