/// Bytes written from the front, numbers with their highest byte first, as PNG and PSD have them.
struct BigEndianBytes {
    var bytes: [UInt8] = []

    mutating func append(_ values: [UInt8]) { bytes.append(contentsOf: values) }

    mutating func append(ascii text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(_ value: UInt8) { bytes.append(value) }

    mutating func append(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append(_ value: Int16) { append(UInt16(bitPattern: value)) }

    mutating func append(_ value: UInt32) {
        append(UInt16(truncatingIfNeeded: value >> 16))
        append(UInt16(truncatingIfNeeded: value))
    }

    /// Zeros until the length from `start` on is a multiple of `multiple`.
    mutating func pad(toMultipleOf multiple: Int, from start: Int) {
        while (bytes.count - start) % multiple != 0 { bytes.append(0) }
    }

    /// Writes a 32-bit number at a place that was left for it.
    mutating func set(_ value: UInt32, at offset: Int) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32(index))) }
    }
}
