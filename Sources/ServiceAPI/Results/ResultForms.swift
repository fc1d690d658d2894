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
        try ContactSheet.png(tree, texts: texts)
    }

    /// A single layer; the pixels are those of the tree to the last one.
    func layer(_ layer: ImageLayer) throws(ImageError) -> [UInt8] {
        let picture = layer.picture
        return switch options.layerFormat {
        case .png: try PNGEncoder.encode(picture, options: PNGOptions(clearsTransparentColor: false, texts: texts))
        case .webp: try WebPEncoder.encode(picture, clearsTransparentColor: false)
        }
    }
}
