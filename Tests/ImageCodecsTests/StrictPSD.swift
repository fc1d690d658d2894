import Testing

/// A small reader of the PSDs that `PSDWriter` makes, strict about every length.
struct StrictPSD {
    struct Layer {
        var box: (top: Int, left: Int, bottom: Int, right: Int) = (0, 0, 0, 0)
        var channelIDs: [Int] = []
        var channelLengths: [Int] = []
        var opacity = 0
        var flags = 0
        var pascalName = ""
        var blocks: [String: [UInt8]] = [:]
        /// Decoded planes by channel id.
        var planes: [Int: [UInt8]] = [:]

        var name: String {
            let data = blocks["luni"] ?? []
            let count = data.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let units = (0..<count).map { UInt16(data[4 + 2 * $0]) << 8 | UInt16(data[5 + 2 * $0]) }
            return String(decoding: units, as: UTF16.self)
        }
    }

    var width = 0
    var height = 0
    var channels = 0
    var resources: [Int: [UInt8]] = [:]
    var layers: [Layer] = []
    var hasNegativeCount = false
    var mergedPlanes: [[UInt8]] = []

    private let file: [UInt8]
    private var at = 0

    init(_ file: [UInt8]) throws {
        self.file = file
        try readHeader()
        try readResources()
        try readLayers()
        try readMerged()
        try #require(at == file.count)
    }

    private mutating func take(_ count: Int) throws -> [UInt8] {
        try #require(count >= 0 && at + count <= file.count)
        defer { at += count }
        return Array(file[at..<at + count])
    }

    private mutating func number(_ count: Int) throws -> Int { try take(count).reduce(0) { $0 << 8 | Int($1) } }

    private mutating func ascii(_ count: Int) throws -> String { String(decoding: try take(count), as: UTF8.self) }

    private mutating func readHeader() throws {
        try #require(try ascii(4) == "8BPS")
        try #require(try number(2) == 1)
        try #require(try take(6) == [0, 0, 0, 0, 0, 0])
        channels = try number(2)
        height = try number(4)
        width = try number(4)
        try #require(try number(2) == 8)
        try #require(try number(2) == 3)
        try #require(try number(4) == 0)
    }

    private mutating func readResources() throws {
        let length = try number(4)
        let end = at + length
        while at < end {
            try #require(try ascii(4) == "8BIM")
            let id = try number(2)
            try #require(try number(2) == 0)
            let size = try number(4)
            resources[id] = try take(size)
            if size % 2 == 1 { try #require(try take(1) == [0]) }
        }
        try #require(at == end)
    }

    private mutating func readLayers() throws {
        let sectionLength = try number(4)
        try #require(sectionLength % 4 == 0)
        let sectionEnd = at + sectionLength
        let infoLength = try number(4)
        try #require(infoLength % 4 == 0)
        let infoEnd = at + infoLength
        let count = Int16(bitPattern: UInt16(try number(2)))
        hasNegativeCount = count < 0
        for _ in 0..<abs(Int(count)) { layers.append(try readRecord()) }
        for index in layers.indices { layers[index].planes = try readChannels(of: layers[index]) }
        try #require(infoEnd - at < 4)
        try #require(try take(infoEnd - at).allSatisfy { $0 == 0 })
        try #require(try number(4) == 0)
        try #require(at == sectionEnd)
    }

    private mutating func readRecord() throws -> Layer {
        var layer = Layer()
        layer.box = (try number(4), try number(4), try number(4), try number(4))
        for _ in 0..<(try number(2)) {
            layer.channelIDs.append(Int(Int16(bitPattern: UInt16(try number(2)))))
            layer.channelLengths.append(try number(4))
        }
        try #require(try ascii(8) == "8BIMnorm")
        layer.opacity = try number(1)
        try #require(try number(1) == 0)
        layer.flags = try number(1)
        try #require(try number(1) == 0)
        let extra = try number(4)
        let end = at + extra
        try #require(try number(4) == 0)
        try #require(try number(4) == 40)
        try #require(try take(40) == [[UInt8]](repeating: [0, 0, 0xFF, 0xFF], count: 10).flatMap { $0 })
        let start = at
        let nameLength = try number(1)
        layer.pascalName = try ascii(nameLength)
        while (at - start) % 4 != 0 { try #require(try number(1) == 0) }
        while at < end {
            try #require(try ascii(4) == "8BIM")
            let key = try ascii(4)
            let length = try number(4)
            layer.blocks[key] = try take(length)
        }
        try #require(at == end)
        return layer
    }

    private mutating func readChannels(of layer: Layer) throws -> [Int: [UInt8]] {
        var planes: [Int: [UInt8]] = [:]
        let width = layer.box.right - layer.box.left
        let height = layer.box.bottom - layer.box.top
        for (id, length) in zip(layer.channelIDs, layer.channelLengths) {
            let end = at + length
            let compression = try number(2)
            if width * height == 0 {
                try #require(compression == 0 && length == 2)
                continue
            }
            try #require(compression == 1)
            let counts = try (0..<height).map { _ in try number(2) }
            planes[id] = try counts.flatMap { try unpack(try take($0), width) }
            try #require(at == end)
        }
        return planes
    }

    private mutating func readMerged() throws {
        try #require(try number(2) == 1)
        let counts = try (0..<channels * height).map { _ in try number(2) }
        for channel in 0..<channels {
            var plane: [UInt8] = []
            for row in 0..<height { plane += try unpack(try take(counts[channel * height + row]), width) }
            mergedPlanes.append(plane)
        }
    }

    /// PackBits of one row, which must give exactly `count` bytes.
    private func unpack(_ packed: [UInt8], _ count: Int) throws -> [UInt8] {
        var row: [UInt8] = []
        var index = 0
        while index < packed.count {
            let head = Int(packed[index])
            try #require(head != 128)
            if head < 128 {
                row += packed[index + 1..<index + 2 + head]
                index += 2 + head
            } else {
                row += [UInt8](repeating: packed[index + 1], count: 257 - head)
                index += 2
            }
        }
        try #require(row.count == count)
        return row
    }
}
