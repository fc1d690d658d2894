/// One entry of a PSD's layer list, with its channels.
struct PSDLayerRecord {
    /// Compression 1.
    static let runLengthCoded: UInt16 = 1
    /// What `lsct` says of an entry.
    private enum Section: UInt32 {
        case openFolder = 1
        case boundary = 3
    }

    private static let channels: [(id: Int16, offset: Int)] = [(-1, 3), (0, 0), (1, 1), (2, 2)]
    private static let noBox = PixelBox(left: 0, top: 0, right: 0, bottom: 0)

    private let name: String
    private let id: UInt32
    private let opacity: UInt8
    private let flags: UInt8
    private let isClipped: Bool
    /// The four characters of the entry's own mode and, for a group, of its `lsct`.
    private let mode: String
    private let section: Section?
    private let sectionMode: String
    /// Where the visible pixels are on the canvas and in `pixels`.
    private let box: PixelBox
    private let source: PixelBox
    /// Nil for an entry without visible pixels.
    private let pixels: PixelBuffer?
    /// Alpha first, as Photoshop has it; empty until `code` and after `appendChannels`.
    private var planes: [PlanarRows] = []

    /// A layer, trimmed; `id` is unique in the file and at least 1.
    init(_ layer: ImageLayer, id: UInt32) {
        name = layer.name
        self.id = id
        opacity = layer.opacity
        // Bit 3 says that bit 4 has a meaning; bit 1 hides.
        flags = layer.isVisible ? 0x08 : 0x0A
        isClipped = layer.isClipped
        mode = layer.blendMode.psdKey
        section = nil
        sectionMode = ""
        let visible = layer.pixels.flatMap { PixelBox(ofVisiblePixelsIn: $0) }
        source = visible ?? Self.noBox
        box = visible?.moved(x: layer.x, y: layer.y) ?? Self.noBox
        pixels = visible == nil ? nil : layer.pixels
    }

    /// The entry below a group's layers.
    init(groupEndWithID id: UInt32) {
        self.init(
            section: .boundary, LayerGroup(name: "</Layer group>", children: [], blending: .isolated(.normal)), id: id)
    }

    /// The entry above a group's layers, which says everything about it.
    init(_ group: LayerGroup, id: UInt32) {
        self.init(section: .openFolder, group, id: id)
    }

    private init(section: Section, _ group: LayerGroup, id: UInt32) {
        name = group.name
        self.id = id
        opacity = group.opacity
        // Bit 4: the pixels do not matter.
        flags = group.isVisible ? 0x18 : 0x1A
        isClipped = group.isClipped
        // An entry's own mode cannot say that a group passes through; readers take that from `lsct`.
        mode = group.blending == .passThrough ? BlendMode.normal.psdKey : group.blending.psdKey
        sectionMode = group.blending.psdKey
        self.section = section
        source = Self.noBox
        box = Self.noBox
        pixels = nil
    }

    /// The longer side of what is written of the layer, which may go beyond the canvas; 0 without visible pixels.
    var longestSide: Int { max(source.width, source.height) }

    /// How many planes there are to code.
    var planeCount: Int { pixels == nil ? 0 : Self.channels.count }

    /// Codes one plane.
    func plane(_ index: Int) -> PlanarRows? {
        pixels.map { PlanarRows($0, channel: Self.channels[index].offset, box: source) }
    }

    /// Takes the coded planes, all of them.
    mutating func take(_ planes: ArraySlice<PlanarRows>) {
        self.planes = Array(planes)
    }

    /// An upper bound of the bytes in the file.
    func byteCount(_ dialect: PSDDialect) -> Int {
        512 + 6 * name.utf8.count + planes.reduce(0) { $0 + $1.byteCount(dialect) }
    }

    func appendRecord(_ dialect: PSDDialect, to file: inout BigEndianBytes) {
        for side in [box.top, box.left, box.bottom, box.right] { file.append(UInt32(bitPattern: Int32(side))) }
        file.append(UInt16(Self.channels.count))
        for (index, channel) in Self.channels.enumerated() {
            file.append(channel.id)
            // The compression tag, the counts of the rows, the rows.
            file.append(length: 2 + (planes.isEmpty ? 0 : planes[index].byteCount(dialect)), dialect)
        }
        file.append(ascii: "8BIM")
        file.append(ascii: mode)
        file.append([opacity, isClipped ? 1 : 0, flags, 0])
        let extraLength = file.bytes.count
        file.append(UInt32(0))
        let start = file.bytes.count
        // No mask; blending ranges that let everything through.
        file.append(UInt32(0))
        file.append(UInt32(40))
        for _ in 0..<10 { file.append(UInt32(0xFFFF)) }
        appendPascalName(to: &file)
        appendBlocks(to: &file)
        file.set(UInt32(file.bytes.count - start), at: extraLength)
    }

    /// Appends the planes and lets go of them, so that they are not in memory twice.
    mutating func appendChannels(_ dialect: PSDDialect, to file: inout BigEndianBytes) {
        guard !planes.isEmpty else {
            for _ in Self.channels { file.append(UInt16(0)) }
            return
        }
        for plane in planes {
            file.append(Self.runLengthCoded)
            plane.appendCounts(dialect, to: &file)
            file.append(plane.bytes)
        }
        planes = []
    }

    /// The old name, for readers without `luni`: UTF-8, cut at a character.
    private func appendPascalName(to file: inout BigEndianBytes) {
        let maximumByteCount = 127
        var bytes: [UInt8] = []
        for character in name {
            let next = Array(String(character).utf8)
            if bytes.count + next.count > maximumByteCount { break }
            bytes += next
        }
        let start = file.bytes.count
        file.append(UInt8(bytes.count))
        file.append(bytes)
        file.pad(toMultipleOf: 4, from: start)
    }

    private func appendBlocks(to file: inout BigEndianBytes) {
        var unicode = BigEndianBytes()
        unicode.append(UInt32(name.utf16.count))
        for unit in name.utf16 { unicode.append(unit) }
        unicode.pad(toMultipleOf: 4, from: 0)
        appendBlock("luni", unicode.bytes, to: &file)
        var number = BigEndianBytes()
        number.append(id)
        appendBlock("lyid", number.bytes, to: &file)
        guard let section else { return }
        var divider = BigEndianBytes()
        divider.append(section.rawValue)
        if section == .openFolder {
            divider.append(ascii: "8BIM")
            divider.append(ascii: sectionMode)
        }
        appendBlock("lsct", divider.bytes, to: &file)
    }

    private func appendBlock(_ key: String, _ data: [UInt8], to file: inout BigEndianBytes) {
        file.append(ascii: "8BIM")
        file.append(ascii: key)
        file.append(UInt32(data.count))
        file.append(data)
    }
}
