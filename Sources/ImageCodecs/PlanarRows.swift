/// The channels of a picture as PSD stores them: each channel's rows one after the other, run-length coded.
struct PlanarRows {
    /// `u16` byte counts of the rows of all channels.
    private(set) var counts = BigEndianBytes()
    /// The coded rows of all channels.
    private(set) var rows: [UInt8] = []
    /// Coded bytes of each channel.
    private(set) var channelByteCounts: [Int] = []

    /// Codes `channels` (0 red ... 3 alpha) of the pixels inside `box`.
    init(_ image: PixelBuffer, channels: [Int], box: PixelBox) {
        var row = [UInt8](repeating: 0, count: box.width)
        var coded = [UInt8](repeating: 0, count: PackBits.bound(box.width))
        rows.reserveCapacity(box.width * box.height)
        image.bytes.withUnsafeBufferPointer { source in
            row.withUnsafeMutableBufferPointer { row in
                coded.withUnsafeMutableBufferPointer { coded in
                    guard let input = source.baseAddress, let plain = row.baseAddress, let packed = coded.baseAddress
                    else { return }
                    for channel in channels {
                        let before = rows.count
                        for y in box.top..<box.bottom {
                            var pixel = input + (y * image.width + box.left) * 4 + channel
                            for x in 0..<box.width {
                                plain[x] = pixel.pointee
                                pixel += 4
                            }
                            let count = PackBits.encode(plain, count: box.width, into: packed)
                            counts.append(UInt16(count))
                            rows.append(contentsOf: UnsafeBufferPointer(start: packed, count: count))
                        }
                        channelByteCounts.append(rows.count - before)
                    }
                }
            }
        }
    }
}
