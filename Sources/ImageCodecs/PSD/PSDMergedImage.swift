/// The flat picture at the end of a file.
enum PSDMergedImage {
    /// Reads the colours, and alpha if the first channel beside them is that; in files without layers none is.
    static func read(
        _ reader: inout ByteReader, _ header: PSDHeader, hasAlpha: Bool = false
    ) throws(ImageError) -> PixelBuffer {
        let (width, height) = (header.width, header.height)
        let compression = try reader.number(2)
        guard compression <= 1 else {
            throw .unsupportedFeature(.photoshop, detail: "a flat picture with compression \(compression)")
        }
        var counts: [Int] = []
        if compression == 1 {
            counts = try PSDChannel.rowCounts(&reader, header.channels * height, header.dialect)
        }
        // What the colours need at least: two bytes become at most 128.
        let row = compression == 0 ? width : 2 * ((width + 127) / 128)
        let channels = header.colorChannels + (hasAlpha ? 1 : 0)
        guard reader.remaining >= row * height * channels else { throw .truncated(.photoshop) }
        var bytes = [UInt8](repeating: 255, count: width * height * PixelBuffer.channels)
        for channel in 0..<channels {
            let sample = channel < header.colorChannels ? channel : PixelBuffer.channels - 1
            for y in 0..<height {
                let place = y * width * PixelBuffer.channels + sample
                if compression == 1 {
                    let row = try reader.part(counts[channel * height + y])
                    try PSDChannel.unpack(row, width: width, into: &bytes, place, PixelBuffer.channels)
                } else {
                    for (x, value) in try reader.take(width).enumerated() {
                        bytes[place + x * PixelBuffer.channels] = value
                    }
                }
            }
        }
        if header.isGrey {
            for offset in stride(from: 0, to: bytes.count, by: PixelBuffer.channels) {
                bytes[offset + 1] = bytes[offset]
                bytes[offset + 2] = bytes[offset]
            }
        }
        return PixelBuffer(uncheckedWidth: width, height: height, bytes: bytes)
    }
}
