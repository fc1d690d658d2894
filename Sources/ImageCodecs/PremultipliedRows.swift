/// Rows of an RGBA picture, premultiplied when asked for, of which the last few are kept.
///
/// A resize reads each source row several times; keeping as many rows as one result row needs avoids a premultiplied
/// copy of the whole picture.
struct PremultipliedRows: ~Copyable {
    private let source: UnsafePointer<UInt8>
    private let rowBytes: Int
    private let slots: UnsafeMutablePointer<UInt8>
    private var rowInSlot: [Int]

    /// `source` must stay valid as long as this value; `kept` rows are remembered.
    init(source: UnsafePointer<UInt8>, rowBytes: Int, kept: Int) {
        self.source = source
        self.rowBytes = rowBytes
        slots = .allocate(capacity: rowBytes * kept)
        rowInSlot = [Int](repeating: -1, count: kept)
    }

    deinit { slots.deallocate() }

    /// Row `index`, premultiplied; valid until `kept` other rows were asked for.
    mutating func row(_ index: Int) -> UnsafePointer<UInt8> {
        let slot = index % rowInSlot.count
        let target = slots + slot * rowBytes
        if rowInSlot[slot] != index {
            rowInSlot[slot] = index
            Self.premultiply(source + index * rowBytes, into: target, byteCount: rowBytes)
        }
        return UnsafePointer(target)
    }

    /// Pillow's RGBA to RGBa: `t = c * a + 128; ((t >> 8) + t) >> 8`.
    static func premultiply(
        _ source: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>, byteCount: Int
    ) {
        var offset = 0
        while offset < byteCount {
            let alpha = UInt32(source[offset + 3])
            for channel in 0..<3 {
                let product = UInt32(source[offset + channel]) &* alpha &+ 128
                target[offset + channel] = UInt8(truncatingIfNeeded: ((product >> 8) &+ product) >> 8)
            }
            target[offset + 3] = source[offset + 3]
            offset += 4
        }
    }

    /// Pillow's RGBa to RGBA, in place: `255 * c / a` cut and clipped; alpha 0 and 255 leave the colour as it is.
    static func unpremultiply(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
        var offset = 0
        while offset + 3 < pixels.count {
            let alpha = UInt32(pixels[offset + 3])
            if alpha != 0 && alpha != 255 {
                for channel in 0..<3 {
                    let value = 255 &* UInt32(pixels[offset + channel]) / alpha
                    pixels[offset + channel] = UInt8(truncatingIfNeeded: min(value, 255))
                }
            }
            offset += 4
        }
    }
}
