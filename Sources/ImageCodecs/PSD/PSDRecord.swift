/// One entry of a file's layer list, as it is in the file.
struct PSDRecord: Sendable {
    /// What `lsct` says of an entry.
    enum Section: Int, Sendable {
        case layer = 0
        case openFolder = 1
        case closedFolder = 2
        case boundary = 3
    }

    /// A channel's coded data, the compression tag first.
    struct Channel: Sendable {
        let id: Int
        let length: Int
        var data: ByteReader?
    }

    /// A mask that is switched on.
    struct Mask: Sendable {
        let box: PixelBox
        /// What counts outside of the box.
        let outside: UInt8
    }

    private(set) var box: PixelBox
    var channels: [Channel] = []
    private(set) var mode: String
    private(set) var opacity: Int
    private(set) var isClipped: Bool
    private(set) var isVisible: Bool
    private(set) var mask: Mask?
    private(set) var name = ""
    private(set) var section = Section.layer
    private(set) var sectionMode: String?
    /// The first thing that cannot be kept, for the error.
    private(set) var unsupported: String?

    /// Blocks that stand for something that is not pixels.
    private static let adjustments: Set<String> = [
        "levl", "curv", "brit", "hue ", "hue2", "blnc", "mixr", "selc", "thrs", "post", "nvrt", "grdm", "expA", "vibA",
        "blwh", "phfl", "clrL", "CgEd",
    ]
    private static let fills: Set<String> = ["SoCo", "GdFl", "PtFl"]
    private static let vectorMasks: Set<String> = ["vmsk", "vsms"]
    /// A group that clips to a rectangle of its own and may have a colour behind it.
    private static let artboards: Set<String> = ["artb", "artd", "abdd"]

    init(_ info: inout ByteReader, _ header: PSDHeader) throws(ImageError) {
        let top = try info.signed(4)
        let left = try info.signed(4)
        let bottom = try info.signed(4)
        let right = try info.signed(4)
        box = try Self.box(top, left, bottom, right, info)
        let count = try info.number(2)
        guard count <= 56 else { throw info.damaged("a layer of \(count) channels") }
        for _ in 0..<count {
            let id = try info.signed(2)
            channels.append(Channel(id: id, length: try info.number(header.dialect.lengthBytes)))
        }
        guard try info.text(4) == "8BIM" else { throw info.damaged("a layer's entry does not have its signature") }
        mode = try info.text(4)
        opacity = try info.number(1)
        isClipped = try info.number(1) != 0
        isVisible = try info.number(1) & 2 == 0
        try info.skip(1)
        var extra = try info.part(try info.number(4))
        try readMask(try extra.part(try extra.number(4)))
        let ranges = try extra.take(try extra.number(4))
        readBlendingRanges(ranges)
        let nameLength = try extra.number(1)
        name = try extra.text(nameLength)
        // The name and its length are padded to a multiple of four; some writers end the entry here instead.
        try? extra.skip((4 - (nameLength + 1) % 4) % 4)
        try readBlocks(&extra, header)
    }

    private static func box(
        _ top: Int, _ left: Int, _ bottom: Int, _ right: Int, _ reader: ByteReader
    ) throws(ImageError) -> PixelBox {
        let offsets = -LayerTree.maximumOffset...LayerTree.maximumOffset
        guard right >= left, bottom >= top, right - left <= LayerTree.maximumSide,
            bottom - top <= LayerTree.maximumSide, offsets.contains(left), offsets.contains(top)
        else { throw reader.damaged("a layer's box is (\(left), \(top)) to (\(right), \(bottom))") }
        return PixelBox(left: left, top: top, right: right, bottom: bottom)
    }

    private mutating func readMask(_ data: ByteReader) throws(ImageError) {
        var data = data
        guard data.remaining >= 18 else { return }
        let top = try data.signed(4)
        let left = try data.signed(4)
        let bottom = try data.signed(4)
        let right = try data.signed(4)
        let outside = try data.number(1)
        let flags = try data.number(1)
        // Bit 1: switched off.
        guard flags & 2 == 0 else { return }
        // Bit 4: density or feather follow.
        if flags & 16 != 0 { refuse("a mask with density or feather") }
        mask = Mask(box: try Self.box(top, left, bottom, right, data), outside: UInt8(outside))
    }

    /// Pairs of black and white points that let everything through, or nothing at all.
    private mutating func readBlendingRanges(_ ranges: ArraySlice<UInt8>) {
        let isPlain = ranges.enumerated().allSatisfy { $0.element == ($0.offset % 4 < 2 ? 0 : 255) }
        if !isPlain, ranges.contains(where: { $0 != 0 }) { refuse("\"blend if\" ranges") }
    }

    private mutating func readBlocks(_ extra: inout ByteReader, _ header: PSDHeader) throws(ImageError) {
        while extra.remaining >= 12 {
            let signature = try extra.text(4)
            // Blocks are padded by some writers and not by others; what is no block ends the list.
            guard signature == "8BIM" || signature == "8B64" else { return }
            let key = try extra.text(4)
            let isLarge = header.dialect == .large && PSDDialect.largeBlocks.contains(key)
            let data = try extra.part(try extra.number(isLarge ? 8 : 4))
            try readBlock(key, data)
            skipPadding(&extra)
        }
    }

    private func skipPadding(_ extra: inout ByteReader) {
        for _ in 0..<3 where extra.remaining > 0 && extra.bytes[extra.offset] == 0 { try? extra.skip(1) }
    }

    private mutating func readBlock(_ key: String, _ data: ByteReader) throws(ImageError) {
        var data = data
        switch key {
        case "luni":
            let count = try data.number(4)
            guard count <= data.remaining / 2 else { throw data.damaged("a layer's name is longer than its block") }
            let bytes = Array(try data.take(2 * count))
            let units = (0..<count).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
            name = String(decoding: units, as: UTF16.self)
        case "lsct", "lsdk":
            guard let section = Section(rawValue: try data.number(4)) else {
                throw data.damaged("an entry that is neither layer nor group")
            }
            self.section = section
            if data.remaining >= 8 {
                try data.skip(4)
                sectionMode = try data.text(4)
            }
        case "iOpa": opacity = Int((Double(opacity * (try data.number(1))) / 255).rounded())
        case "knko": if try data.number(1) != 0 { refuse("a knockout") }
        case "brst": if data.remaining > 0 { refuse("blending restricted to some channels") }
        case "lfx2", "lmfx": if Self.hasEffects(data) { refuse("effects") }
        case _ where Self.adjustments.contains(key): refuse("an adjustment")
        case _ where Self.fills.contains(key): refuse("a fill")
        case _ where Self.vectorMasks.contains(key): if Self.isSwitchedOn(vectorMask: data) { refuse("a vector mask") }
        case _ where Self.artboards.contains(key): refuse("an artboard")
        default: break
        }
    }

    /// Bit 2 of the flags, which come after the version, says that it is off.
    private static func isSwitchedOn(vectorMask data: ByteReader) -> Bool {
        var data = data
        guard (try? data.skip(4)) != nil, let flags = try? data.number(4) else { return true }
        return flags & 4 == 0
    }

    /// Whether a list of effects has one that is switched on: the descriptor's flags are found by their names.
    private static func hasEffects(_ data: ByteReader) -> Bool {
        let bytes = data.bytes[data.offset..<data.end]
        func flags(_ name: String) -> [UInt8] {
            let pattern = Array((name + "bool").utf8)
            guard bytes.count > pattern.count else { return [] }
            return (bytes.startIndex..<bytes.endIndex - pattern.count).filter {
                bytes[$0] == pattern[0] && bytes[$0..<$0 + pattern.count].elementsEqual(pattern)
            }.map { bytes[$0 + pattern.count] }
        }
        return !flags("masterFXSwitch").contains(0) && flags("enab").contains(1)
    }

    private mutating func refuse(_ what: String) {
        if unsupported == nil { unsupported = what }
    }

    // MARK: Channels

    /// Finds the channels' data, which lie behind the list in its order, and counts the pixels.
    mutating func locateChannels(
        _ info: inout ByteReader, _ header: PSDHeader, _ budget: inout PixelBudget
    ) throws(ImageError) {
        if section == .layer { try budget.take(width: box.width, height: box.height) }
        for index in channels.indices {
            channels[index].data = try info.part(channels[index].length)
        }
    }
}
