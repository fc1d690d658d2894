/// One entry of a PSD's layer list, with its channels.
struct PSDLayerRecord {
    /// Compression 1.
    static let runLengthCoded: UInt16 = 1
    /// What `lsct` says of an entry.
    private enum Section: UInt32 {
        case openFolder = 1
        case boundary = 3
    }

    private let name: String
    private let id: UInt32
    private let opacity: UInt8
    private let flags: UInt8
    private let section: Section?
    private let box: PixelBox
    /// Nil for an entry without pixels.
    private let pixels: PlanarRows?

    /// A layer, trimmed; `id` is unique in the file and at least 1.
    init(_ layer: ImageLayer, id: UInt32) {
        name = layer.name
        self.id = id
        opacity = layer.opacity
        // Bit 3 says that bit 4 has a meaning; bit 1 hides.
        flags = layer.isVisible ? 0x08 : 0x0A
        section = nil
        let visible = PixelBox(ofVisiblePixelsIn: layer.pixels)
        box = visible ?? Self.noBox
        // Alpha comes first, as Photoshop has it.
        pixels = visible.map { PlanarRows(layer.pixels, channels: [3, 0, 1, 2], box: $0) }
    }

    /// The entry below a group's layers.
    init(groupEndWithID id: UInt32) {
        self.init(sectionNamed: "</Layer group>", id: id, section: .boundary)
    }

    /// The entry above a group's layers, which carries its name.
    init(groupNamed name: String, id: UInt32) {
        self.init(sectionNamed: name, id: id, section: .openFolder)
    }

    private init(sectionNamed name: String, id: UInt32, section: Section) {
        self.name = name
        self.id = id
        opacity = 255
        // Bit 4: the pixels do not matter.
        flags = 0x18
        self.section = section
        box = Self.noBox
        pixels = nil
    }

    private static let noBox = PixelBox(left: 0, top: 0, right: 0, bottom: 0)

    /// An upper bound of the bytes in the file.
    var byteCount: Int {
        512 + 6 * name.utf8.count + (pixels.map { $0.rows.count + $0.counts.bytes.count } ?? 0)
    }

    func appendRecord(to file: inout BigEndianBytes) {
        for side in [box.top, box.left, box.bottom, box.right] { file.append(UInt32(side)) }
        file.append(UInt16(4))
        for (index, channel) in [-1, 0, 1, 2].enumerated() {
            file.append(Int16(channel))
            // The compression tag, the counts of the rows, the rows.
            let coded = pixels.map { 2 * box.height + $0.channelByteCounts[index] } ?? 0
            file.append(UInt32(2 + coded))
        }
        file.append(ascii: "8BIM")
        file.append(ascii: "norm")
        file.append([opacity, 0, flags, 0])
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

    func appendChannels(to file: inout BigEndianBytes) {
        guard let pixels else {
            for _ in 0..<4 { file.append(UInt16(0)) }
            return
        }
        var offset = 0
        for (index, count) in pixels.channelByteCounts.enumerated() {
            file.append(Self.runLengthCoded)
            let counts = 2 * box.height
            file.bytes.append(contentsOf: pixels.counts.bytes[index * counts..<(index + 1) * counts])
            file.bytes.append(contentsOf: pixels.rows[offset..<offset + count])
            offset += count
        }
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
            // The group's own mode: its layers blend with what is below the group.
            divider.append(ascii: "8BIM")
            divider.append(ascii: "pass")
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
