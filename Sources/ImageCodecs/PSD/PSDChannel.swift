/// The coded bytes of one channel: raw, run-length coded or deflated, with or without prediction.
enum PSDChannel {
    private enum Compression: Int {
        case raw = 0
        case runLength = 1
        case deflated = 2
        case deflatedDifferences = 3
    }

    /// The most bytes that one byte of DEFLATE can become.
    private static let largestInflation = 1_032

    /// Throws if the data cannot hold a plane of this size, whatever is in it.
    static func checkLength(
        _ data: ByteReader, width: Int, height: Int, _ dialect: PSDDialect
    ) throws(ImageError) {
        var data = data
        let compression = try compression(&data)
        let count = width * height
        let least =
            switch compression {
            case .raw: count
            // Two bytes become at most 128.
            case .runLength: height * (dialect.rowCountBytes + 2 * ((width + 127) / 128))
            case .deflated, .deflatedDifferences: count / largestInflation
            }
        guard data.remaining >= least else { throw .truncated(.photoshop) }
    }

    /// Decodes a plane into every `step`th byte of `target` from `offset` on.
    static func decode(
        _ data: ByteReader, width: Int, height: Int, _ dialect: PSDDialect, into target: inout [UInt8], offset: Int,
        step: Int
    ) throws(ImageError) {
        var data = data
        switch try compression(&data) {
        case .raw: scatter(try data.take(width * height), into: &target, offset, step)
        case .runLength:
            let counts = try rowCounts(&data, height, dialect)
            var place = offset
            for count in counts {
                try unpack(try data.part(count), width: width, into: &target, place, step)
                place += width * step
            }
        case .deflated: scatter(try inflate(data, count: width * height)[...], into: &target, offset, step)
        case .deflatedDifferences:
            var plane = try inflate(data, count: width * height)
            for y in 0..<height {
                for x in y * width + 1..<max(y * width + 1, (y + 1) * width) { plane[x] &+= plane[x - 1] }
            }
            scatter(plane[...], into: &target, offset, step)
        }
    }

    private static func compression(_ data: inout ByteReader) throws(ImageError) -> Compression {
        let tag = try data.number(2)
        guard let compression = Compression(rawValue: tag) else { throw data.damaged("compression \(tag)") }
        return compression
    }

    /// The coded bytes of each row.
    static func rowCounts(_ data: inout ByteReader, _ rows: Int, _ dialect: PSDDialect) throws(ImageError) -> [Int] {
        var table = try data.part(rows * dialect.rowCountBytes)
        var counts: [Int] = []
        counts.reserveCapacity(rows)
        for _ in 0..<rows { counts.append(try table.number(dialect.rowCountBytes)) }
        return counts
    }

    /// PackBits of one row, which must give exactly `width` bytes.
    static func unpack(
        _ row: ByteReader, width: Int, into target: inout [UInt8], _ place: Int, _ step: Int
    ) throws(ImageError) {
        let isWhole = target.withUnsafeMutableBufferPointer { target in
            row.bytes.withUnsafeBufferPointer { bytes in
                var (index, written) = (row.offset, 0)
                while index < row.end {
                    let head = Int(bytes[index])
                    index += 1
                    if head < 128 {
                        guard index + head < row.end, written + head < width else { return false }
                        for byte in index...index + head {
                            target[place + written * step] = bytes[byte]
                            written += 1
                        }
                        index += head + 1
                    } else if head > 128 {
                        let count = 257 - head
                        guard index < row.end, written + count <= width else { return false }
                        for _ in 0..<count {
                            target[place + written * step] = bytes[index]
                            written += 1
                        }
                        index += 1
                    }
                }
                return written == width
            }
        }
        guard isWhole else { throw row.damaged("a row that is not \(width) pixels long") }
    }

    private static func scatter(_ plane: ArraySlice<UInt8>, into target: inout [UInt8], _ offset: Int, _ step: Int) {
        plane.withUnsafeBufferPointer { plane in
            target.withUnsafeMutableBufferPointer { target in
                for index in 0..<plane.count { target[offset + index * step] = plane[index] }
            }
        }
    }

    private static func inflate(_ data: ByteReader, count: Int) throws(ImageError) -> [UInt8] {
        guard
            let plane = try Deflate.decompress(
                data.bytes[data.offset..<data.end], count: count, container: .zlib, ignoresRest: true)
        else { throw data.damaged("deflated data that is not what it says") }
        return plane
    }
}
