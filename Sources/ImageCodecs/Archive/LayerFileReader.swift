/// Reads any file of layers: PSD, PSB, OpenRaster, or a ZIP with a manifest.
public enum LayerFileReader {
    /// The most bytes of one picture in a ZIP.
    private static let maximumPictureByteCount = DecodeOptions.defaultMaximumByteCount

    /// Reads a file into a tree; `image` chooses among several results in a ZIP, 1 being the first.
    ///
    /// Throws `ImageError`.
    public static func read(
        _ bytes: [UInt8], image: Int = 1, options: LayerReadOptions = LayerReadOptions()
    ) throws(ImageError) -> LayerTree {
        try readFile(bytes, image: image, options: options).tree
    }

    /// As `read`, and the flat picture that the file carries, which `LayerFile` compares with.
    public static func readFile(
        _ bytes: [UInt8], image: Int = 1, options: LayerReadOptions = LayerReadOptions()
    ) throws(ImageError) -> LayerFile {
        try options.checkByteCount(bytes.count)
        if ImageFormat.detect(bytes) == .photoshop {
            try checkOnly(image)
            return LayerFile(try PSDReader.read(bytes, options: options), .photoshop(bytes, options))
        }
        guard ZIPReader.isArchive(bytes) else { throw .noLayers }
        let archive = try ZIPReader(bytes)
        if OpenRasterReader.isOpenRaster(archive) {
            try checkOnly(image)
            return LayerFile(try OpenRasterReader.read(archive, options: options), .openRaster(archive, options))
        }
        return LayerFile(try read(archive, image: image, options: options))
    }

    /// Whether the bytes begin as those of a kind of file do that holds layers.
    public static func isFileOfLayers(_ bytes: [UInt8]) -> Bool {
        ImageFormat.detect(bytes) == .photoshop || ZIPReader.isArchive(bytes)
    }

    /// A file of one picture has no second one.
    private static func checkOnly(_ image: Int) throws(ImageError) {
        guard image == 1 else { throw .noPicture(number: image, count: 1) }
    }

    /// A ZIP with a manifest, which may lie in one folder with everything else.
    private static func read(
        _ archive: ZIPReader, image: Int, options: LayerReadOptions
    ) throws(ImageError) -> LayerTree {
        var manifests = archive.names.filter { $0.hasSuffix("/" + LayerManifest.fileName) }
        // Also one that cannot be read, so that the reason is said.
        if archive.contains(LayerManifest.fileName) { manifests.append(LayerManifest.fileName) }
        // Archives of a Mac have a second tree of its own notes.
        let own = manifests.filter { !$0.hasPrefix("__MACOSX/") }
        guard let path = own.min(by: { $0.utf8.count < $1.utf8.count }) else { throw .noLayers }
        let folder = String(path.dropLast(LayerManifest.fileName.count))
        let manifest = try LayerManifest(try archive.read(path, limit: LayerManifest.maximumByteCount))
        return try manifest.tree(image: image, options: options) { (name) throws(ImageError) in
            try archive.read(folder + name, limit: maximumPictureByteCount)
        }
    }
}
