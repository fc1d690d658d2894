/// Writes layered Photoshop files: 8-bit RGB, run-length coded, as Photoshop itself writes them.
///
/// Source: Adobe Photoshop File Formats Specification (November 2019), and files saved by Photoshop where it is silent.
public enum PSDWriter {
    /// The longest side of a PSD; larger pictures need PSB.
    public static let maximumSide = 30_000
    /// The most bytes of a PSD.
    public static let maximumByteCount = Int(Int32.max)
    /// The most layers that Photoshop opens.
    public static let maximumLayers = 8_000
    /// The longest layer name, in UTF-16 units.
    public static let maximumNameLength = 200

    /// Encodes a stack of layers, bottom layer first; the canvas has the layers' size.
    ///
    /// Layers are trimmed to their visible pixels. The merged image is the source-over of the visible layers, matted on
    /// white; it has alpha only if some pixel of it is not opaque. The same layers give the same bytes. Throws
    /// `ImageError` for no or too many layers, layers of different sizes, names that are empty or too long, and results
    /// beyond the format's 30,000 pixels a side and 2 GB.
    public static func encode(
        _ layers: [ImageLayer], options: PSDOptions = PSDOptions()
    ) throws(ImageError) -> [UInt8] {
        try check(layers, options)
        // Matted on white, since readers take the white out again.
        let merged = try Composite.flattenMattedOnWhite(layers)
        let hasAlpha = !merged.isOpaque
        var records = layers.enumerated().map { PSDLayerRecord($0.element, id: UInt32($0.offset + 1)) }
        if let groupName = options.groupName {
            let id = UInt32(layers.count + 1)
            records.insert(PSDLayerRecord(groupEndWithID: id), at: 0)
            records.append(PSDLayerRecord(groupNamed: groupName, id: id + 1))
        }
        let canvas = PixelBox(left: 0, top: 0, right: merged.width, bottom: merged.height)
        let mergedRows = PlanarRows(merged, channels: hasAlpha ? [0, 1, 2, 3] : [0, 1, 2], box: canvas)
        let resources = try PSDResources.bytes(preview: RGBBuffer(droppingAlphaOf: merged), hasAlpha: hasAlpha)

        let layerBytes = records.reduce(0) { $0 + $1.byteCount }
        let total = 64 + resources.count + layerBytes + mergedRows.counts.bytes.count + mergedRows.rows.count
        guard total <= maximumByteCount else { throw .outputTooLarge(format: "PSD", limit: "2 GB") }
        var file = BigEndianBytes()
        file.bytes.reserveCapacity(total)
        appendHeader(width: merged.width, height: merged.height, channels: hasAlpha ? 4 : 3, to: &file)
        file.append(UInt32(resources.count))
        file.append(resources)
        appendLayers(records, hasMergedAlpha: hasAlpha, to: &file)
        file.append(PSDLayerRecord.runLengthCoded)
        file.append(mergedRows.counts.bytes)
        file.append(mergedRows.rows)
        return file.bytes
    }

    private static func check(_ layers: [ImageLayer], _ options: PSDOptions) throws(ImageError) {
        guard let canvas = layers.first?.pixels, layers.count <= maximumLayers else {
            throw .countOutOfRange(what: "layers", count: layers.count, limit: maximumLayers)
        }
        guard canvas.width <= maximumSide, canvas.height <= maximumSide else {
            throw .outputTooLarge(format: "PSD", limit: "\(maximumSide) pixels a side")
        }
        for name in layers.map(\.name) + [options.groupName].compactMap({ $0 }) {
            guard !name.isEmpty, name.utf16.count <= maximumNameLength else {
                throw .invalidName(name, reason: "a layer name has 1 to \(maximumNameLength) characters")
            }
        }
    }

    private static func appendHeader(width: Int, height: Int, channels: UInt16, to file: inout BigEndianBytes) {
        file.append(ascii: "8BPS")
        file.append(UInt16(1))
        file.append([0, 0, 0, 0, 0, 0])
        file.append(channels)
        file.append(UInt32(height))
        file.append(UInt32(width))
        file.append(UInt16(8))
        // Mode 3 is RGB; it has no colour mode data.
        file.append(UInt16(3))
        file.append(UInt32(0))
    }

    private static func appendLayers(
        _ records: [PSDLayerRecord], hasMergedAlpha: Bool, to file: inout BigEndianBytes
    ) {
        let sectionLength = file.bytes.count
        file.append(UInt32(0))
        let infoLength = file.bytes.count
        file.append(UInt32(0))
        let start = file.bytes.count
        // A negative count says that the merged image's fourth channel is transparency and not a spare channel.
        file.append(Int16(hasMergedAlpha ? -records.count : records.count))
        for record in records { record.appendRecord(to: &file) }
        for record in records { record.appendChannels(to: &file) }
        file.pad(toMultipleOf: 4, from: start)
        file.set(UInt32(file.bytes.count - start), at: infoLength)
        // No global mask.
        file.append(UInt32(0))
        file.set(UInt32(file.bytes.count - infoLength), at: sectionLength)
    }
}
