/// Reads layered Photoshop files (PSD and PSB) that anybody may have made: 8-bit RGB and grey.
///
/// What cannot be kept exactly (effects, adjustments, vector masks, other colour modes) is refused with its name, since
/// a flat picture that is silently wrong helps nobody.
///
/// Source: Adobe Photoshop File Formats Specification (November 2019).
public enum PSDReader {
    /// Reads a file into a tree.
    ///
    /// Layer masks become part of the layers' alpha, fill opacity part of their opacity; colours are converted to sRGB
    /// by an embedded profile. A file without layers gives its merged image as one layer. Sizes are checked against
    /// `options` before memory is taken. Throws `ImageError`.
    public static func read(
        _ bytes: [UInt8], options: LayerReadOptions = LayerReadOptions()
    ) throws(ImageError) -> LayerTree {
        try options.checkByteCount(bytes.count)
        var reader = ByteReader(bytes, format: .photoshop)
        let header = try PSDHeader(&reader, options: options)
        let profile = try profile(&reader)
        var budget = PixelBudget(options)
        var records = try records(&reader, header, &budget)
        let pixels = PSDPixels(header: header, profile: profile)
        guard !records.isEmpty else {
            try budget.take(width: header.width, height: header.height)
            let merged = try PSDMergedImage.read(&reader, header)
            let layer = ImageLayer(name: "background", pixels: pixels.converted(merged))
            return try LayerTree(width: header.width, height: header.height, nodes: [.layer(layer)])
        }
        var nodes = PSDNodes()
        for index in records.indices {
            try nodes.add(records[index], pixels)
            // Coded channels are of no use any more.
            records[index].channels = []
        }
        return try options.checked(
            LayerTree(width: header.width, height: header.height, nodes: try nodes.finished()))
    }

    /// The flat picture at the end of a file with layers, with its alpha if it has one. Throws `ImageError`.
    static func readMerged(_ bytes: [UInt8], options: LayerReadOptions) throws(ImageError) -> PixelBuffer {
        var reader = ByteReader(bytes, format: .photoshop)
        let header = try PSDHeader(&reader, options: options)
        let profile = try profile(&reader)
        var section = try reader.part(try reader.number(header.dialect.lengthBytes))
        try section.skip(header.dialect.lengthBytes)
        // A negative number of layers says that the first channel beside the colours is alpha.
        let hasAlpha = try section.signed(2) < 0 && header.channels > header.colorChannels
        let merged = try PSDMergedImage.read(&reader, header, hasAlpha: hasAlpha)
        return PSDPixels(header: header, profile: profile).converted(merged)
    }

    /// The ICC profile of the resource section, empty without one.
    private static func profile(_ reader: inout ByteReader) throws(ImageError) -> [UInt8] {
        var section = try reader.part(try reader.number(4))
        while section.remaining >= 12 {
            guard try section.text(4) == "8BIM" else { return [] }
            let id = try section.number(2)
            let nameLength = try section.number(1)
            try section.skip(nameLength + (nameLength + 1) % 2)
            let size = try section.number(4)
            let data = try section.take(size)
            if id == 1039, size <= ColorProfile.maximumByteCount { return Array(data) }
            if size % 2 == 1 { try? section.skip(1) }
        }
        return []
    }

    private static func records(
        _ reader: inout ByteReader, _ header: PSDHeader, _ budget: inout PixelBudget
    ) throws(ImageError) -> [PSDRecord] {
        var section = try reader.part(try reader.number(header.dialect.lengthBytes))
        guard section.remaining > header.dialect.lengthBytes else { return [] }
        let infoLength = try section.number(header.dialect.lengthBytes)
        guard infoLength > 0 else { return [] }
        var info = try section.part(infoLength)
        // The sign says something about the merged image alone.
        let count = abs(try info.signed(2))
        guard count <= LayerTree.maximumNodes else {
            throw .countOutOfRange(what: "layers and groups", count: count, limit: LayerTree.maximumNodes)
        }
        var records: [PSDRecord] = []
        for _ in 0..<count { records.append(try PSDRecord(&info, header)) }
        for index in records.indices { try records[index].locateChannels(&info, header, &budget) }
        return records
    }
}

/// The first part of a file.
struct PSDHeader: Sendable {
    let dialect: PSDDialect
    let channels: Int
    let width: Int
    let height: Int
    let isGrey: Bool

    /// Channels that carry colour.
    var colorChannels: Int { isGrey ? 1 : 3 }

    private static let modes = [
        0: "bitmap", 1: "grey", 2: "indexed", 3: "RGB", 4: "CMYK", 7: "multichannel", 8: "duotone", 9: "Lab",
    ]

    init(_ reader: inout ByteReader, options: LayerReadOptions) throws(ImageError) {
        guard reader.remaining >= 4, try reader.text(4) == "8BPS" else { throw .notAPicture }
        let version = try reader.number(2)
        guard let dialect = PSDDialect(rawValue: UInt16(version)) else {
            throw .unsupportedFeature(.photoshop, detail: "version \(version) of the format")
        }
        self.dialect = dialect
        try reader.skip(6)
        channels = try reader.number(2)
        height = try reader.number(4)
        width = try reader.number(4)
        let depth = try reader.number(2)
        let mode = try reader.number(2)
        guard (1...56).contains(channels) else { throw reader.damaged("its header says \(channels) channels") }
        guard mode == 1 || mode == 3 else {
            throw .unsupportedFeature(
                .photoshop, detail: "colour mode \(Self.modes[mode] ?? "\(mode)"); convert it to RGB, 8 bits a channel")
        }
        guard depth == 8 else {
            throw .unsupportedFeature(.photoshop, detail: "\(depth) bits a channel; convert it to 8 bits a channel")
        }
        isGrey = mode == 1
        guard channels >= (isGrey ? 1 : 3) else { throw reader.damaged("its header says \(channels) channels") }
        guard width <= dialect.maximumSide, height <= dialect.maximumSide else {
            throw .sideTooLong(width: width, height: height, limit: dialect.maximumSide)
        }
        try options.checkCanvas(width: width, height: height, format: .photoshop)
        // Colour mode data, of indexed pictures and duotones.
        try reader.skip(try reader.number(4))
    }
}
