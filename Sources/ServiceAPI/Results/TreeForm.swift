import ImageCodecs

/// The files that any layers are written to, a model's or not.
public enum TreeForm: String, Sendable, CaseIterable {
    case psd
    case psb
    case ora
    case pptx
    case zip

    /// The file. Throws `ImageError`, `cannotHold` for what the form has no words for.
    public func encode(_ tree: LayerTree) throws(ImageError) -> [UInt8] {
        switch self {
        case .psd: try PSDWriter.encode(tree)
        case .psb: try PSDWriter.encode(tree, options: PSDOptions(size: .large))
        case .ora: try OpenRasterWriter.encode(tree)
        case .pptx: try SlideWriter.encode([tree])
        case .zip: try TreeArchive.zipped(tree)
        }
    }

    /// What a folder holds instead of one file: `manifest.json` and a PNG for each layer. Throws `ImageError`.
    public static func folder(_ tree: LayerTree) throws(ImageError) -> [(name: String, bytes: [UInt8])] {
        try TreeArchive.files(of: tree)
    }
}
