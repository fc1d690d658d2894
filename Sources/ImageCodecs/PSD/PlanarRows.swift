/// One channel of a picture as PSD stores it: its rows one after the other, run-length coded.
struct PlanarRows: Sendable {
    /// Coded bytes of each row.
    private(set) var counts: [UInt32] = []
    /// The coded rows.
    private(set) var bytes: [UInt8] = []

    /// Codes a channel (0 red ... 3 alpha) of the pixels inside `box`.
    init(_ image: PixelBuffer, channel: Int, box: PixelBox) {
        let width = box.width
        var row = [UInt8](repeating: 0, count: width)
        var coded = [UInt8](repeating: 0, count: PackBits.bound(width))
        counts.reserveCapacity(box.height)
        // At once for all: growing would hold the rows twice. What is not written takes no memory.
        bytes.reserveCapacity(PackBits.bound(width) * box.height)
        image.bytes.withUnsafeBufferPointer { source in
            row.withUnsafeMutableBufferPointer { row in
                coded.withUnsafeMutableBufferPointer { coded in
                    guard let input = source.baseAddress, let plain = row.baseAddress, let packed = coded.baseAddress
                    else { return }
                    for y in box.top..<box.bottom {
                        let pixel = input + (y * image.width + box.left) * 4 + channel
                        for x in 0..<width { plain[x] = pixel[4 * x] }
                        let count = PackBits.encode(plain, count: width, into: packed)
                        counts.append(UInt32(count))
                        bytes.append(contentsOf: UnsafeBufferPointer(start: packed, count: count))
                    }
                }
            }
        }
    }

    /// The bytes in a file, counts included.
    func byteCount(_ dialect: PSDDialect) -> Int { counts.count * dialect.rowCountBytes + bytes.count }

    /// Appends the counts of the rows.
    func appendCounts(_ dialect: PSDDialect, to file: inout BigEndianBytes) {
        if dialect == .large {
            for count in counts { file.append(count) }
        } else {
            // A row of 30,000 pixels is never longer than 30,235 bytes.
            for count in counts { file.append(UInt16(count)) }
        }
    }
}
