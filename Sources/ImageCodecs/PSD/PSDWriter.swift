/// Writes layered Photoshop files: 8-bit RGB, run-length coded, as Photoshop itself writes them.
///
/// Source: Adobe Photoshop File Formats Specification (November 2019), and files saved by Photoshop where it is silent.
public enum PSDWriter {
    /// The longest side of a PSD; larger pictures need PSB.
    public static let maximumSide = PSDDialect.standard.maximumSide
    /// The most bytes of a PSD.
    public static let maximumByteCount = PSDDialect.standard.maximumByteCount

    /// The most bytes that a layer of this size, or the merged image, becomes, whatever is in it, its entry aside.
    public static func largestByteCount(width: Int, height: Int) -> Int {
        // Each row of each channel, with its length as that is kept in memory and in a PSB.
        PixelBuffer.channels * height * (PackBits.bound(width) + MemoryLayout<UInt32>.size)
    }

    /// Encodes a tree.
    ///
    /// Layers are trimmed to their visible pixels. The merged image is the flat picture, matted on white; it has alpha
    /// only if some pixel of it is not opaque. The same tree and options give the same bytes. Throws `ImageError` for a
    /// group name that is empty or too long, and for results beyond the format's limits.
    public static func encode(
        _ tree: LayerTree, options: PSDOptions = PSDOptions()
    ) throws(ImageError) -> [UInt8] {
        try check(tree, options)
        var records = records(tree, options)
        let (mergedPlanes, resources) = try coded(&records, tree, xmp: options.xmp)
        let hasAlpha = mergedPlanes.count > 3

        func total(_ dialect: PSDDialect) -> Int {
            64 + resources.count + records.reduce(0) { $0 + $1.byteCount(dialect) }
                + mergedPlanes.reduce(0) { $0 + $1.byteCount(dialect) }
        }
        let longestSide = records.reduce(max(tree.width, tree.height)) { max($0, $1.longestSide) }
        let dialect = try dialect(options.size, longestSide: longestSide, byteCount: total(.standard))
        guard total(dialect) <= dialect.maximumByteCount else {
            throw .outputTooLarge(format: dialect.name, limit: "\(dialect.maximumByteCount >> 30 + 1) GB")
        }
        var file = BigEndianBytes()
        file.bytes.reserveCapacity(total(dialect))
        appendHeader(tree, channels: hasAlpha ? 4 : 3, dialect, to: &file)
        file.append(UInt32(resources.count))
        file.append(resources)
        appendLayers(&records, hasMergedAlpha: hasAlpha, dialect, to: &file)
        file.append(PSDLayerRecord.runLengthCoded)
        for plane in mergedPlanes { plane.appendCounts(dialect, to: &file) }
        for plane in mergedPlanes { file.append(plane.bytes) }
        return file.bytes
    }

    private static func check(_ tree: LayerTree, _ options: PSDOptions) throws(ImageError) {
        if let name = options.groupName {
            guard (1...LayerTree.maximumNameByteCount).contains(name.utf8.count) else {
                throw .invalidName(name, reason: "a group name has 1 to \(LayerTree.maximumNameByteCount) bytes")
            }
        }
        guard options.xmp.count <= PSDOptions.maximumXMPByteCount else {
            throw .countOutOfRange(
                what: "bytes of XMP", count: options.xmp.count, limit: PSDOptions.maximumXMPByteCount)
        }
    }

    /// The format that holds a tree whose PSD would have this many bytes.
    ///
    /// - Parameter longestSide: of the canvas and of the layers, which may be larger than it.
    private static func dialect(
        _ size: PSDOptions.Size, longestSide: Int, byteCount: Int
    ) throws(ImageError) -> PSDDialect {
        let standard = PSDDialect.standard
        let isTooLong = longestSide > standard.maximumSide
        switch size {
        case .large: return .large
        case .automatic: return isTooLong || byteCount > standard.maximumByteCount ? .large : .standard
        case .standard:
            guard !isTooLong else {
                throw .outputTooLarge(format: standard.name, limit: "\(standard.maximumSide) pixels a side")
            }
            return .standard
        }
    }

    // MARK: Records

    /// Bottom first; a group is an end below its children and a folder above them.
    private static func records(_ tree: LayerTree, _ options: PSDOptions) -> [PSDLayerRecord] {
        var nodes = tree.nodes
        if let name = options.groupName { nodes = [.group(LayerGroup(name: name, children: nodes))] }
        var records: [PSDLayerRecord] = []
        append(nodes, to: &records)
        return records
    }

    private static func append(_ nodes: [LayerNode], to records: inout [PSDLayerRecord]) {
        for node in nodes {
            switch node {
            case .layer(let layer): records.append(PSDLayerRecord(layer, id: UInt32(records.count + 1)))
            case .group(let group):
                records.append(PSDLayerRecord(groupEndWithID: UInt32(records.count + 1)))
                append(group.children, to: &records)
                records.append(PSDLayerRecord(group, id: UInt32(records.count + 1)))
            }
        }
    }

    /// The planes of the merged image, and the resources that show it; the planes of the records go to these. The image
    /// itself is gone before there is a file.
    private static func coded(
        _ records: inout [PSDLayerRecord], _ tree: LayerTree, xmp: [UInt8]
    ) throws(ImageError) -> (planes: [PlanarRows], resources: [UInt8]) {
        // Matted on white, since readers take the white out again.
        let merged = Composite.flattenMattedOnWhite(tree)
        let hasAlpha = !merged.isOpaque
        // First, so that the preview is gone before there are planes.
        let resources = try PSDResources.bytes(
            preview: RGBBuffer(droppingAlphaOf: merged), hasAlpha: hasAlpha, xmp: xmp)
        return (code(&records, merged, channels: hasAlpha ? [0, 1, 2, 3] : [0, 1, 2]), resources)
    }

    /// Codes every plane of the records and of the merged image, on all processors; the latter are given back.
    private static func code(
        _ records: inout [PSDLayerRecord], _ merged: PixelBuffer, channels: [Int]
    ) -> [PlanarRows] {
        let canvas = PixelBox(left: 0, top: 0, right: merged.width, bottom: merged.height)
        let jobs = records.indices.flatMap { record in (0..<records[record].planeCount).map { (record, $0) } }
        let sources = records
        let planes = Parallel.map(jobs.count + channels.count) { index -> PlanarRows? in
            index < jobs.count
                ? sources[jobs[index].0].plane(jobs[index].1)
                : PlanarRows(merged, channel: channels[index - jobs.count], box: canvas)
        }.compactMap { $0 }
        var next = 0
        for index in records.indices {
            let end = next + records[index].planeCount
            records[index].take(planes[next..<end])
            next = end
        }
        return Array(planes[next...])
    }

    // MARK: Sections

    private static func appendHeader(
        _ canvas: LayerTree, channels: UInt16, _ dialect: PSDDialect, to file: inout BigEndianBytes
    ) {
        file.append(ascii: "8BPS")
        file.append(dialect.rawValue)
        file.append([0, 0, 0, 0, 0, 0])
        file.append(channels)
        file.append(UInt32(canvas.height))
        file.append(UInt32(canvas.width))
        file.append(UInt16(8))
        // Mode 3 is RGB; it has no colour mode data.
        file.append(UInt16(3))
        file.append(UInt32(0))
    }

    private static func appendLayers(
        _ records: inout [PSDLayerRecord], hasMergedAlpha: Bool, _ dialect: PSDDialect, to file: inout BigEndianBytes
    ) {
        let sectionLength = file.bytes.count
        file.append(length: 0, dialect)
        let infoLength = file.bytes.count
        file.append(length: 0, dialect)
        let start = file.bytes.count
        // A negative count says that the merged image's fourth channel is transparency and not a spare channel.
        file.append(Int16(hasMergedAlpha ? -records.count : records.count))
        for record in records { record.appendRecord(dialect, to: &file) }
        for index in records.indices { records[index].appendChannels(dialect, to: &file) }
        file.pad(toMultipleOf: 4, from: start)
        file.set(length: file.bytes.count - start, dialect, at: infoLength)
        // No global mask.
        file.append(UInt32(0))
        file.set(length: file.bytes.count - infoLength, dialect, at: sectionLength)
    }
}
