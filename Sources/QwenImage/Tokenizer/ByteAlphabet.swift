/// The printable spelling of bytes in the vocabulary of a byte-level BPE.
///
/// A byte that is a printable, non-blank character of Latin-1 is spelt as that character; the 68 others are spelt as
/// U+0100 and following, in their order. Source: `bytes_to_unicode` of GPT-2 (openai/gpt-2, `src/encoder.py`).
enum ByteAlphabet {
    /// The scalar that spells each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (UInt32(0)...255).map { byte in
            if isPrintable(byte) { return Unicode.Scalar(UInt8(byte)) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "?"
        }
    }()

    /// The byte that each scalar spells, by the scalar's value; nil for scalars that spell none.
    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()

    private static func isPrintable(_ byte: UInt32) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
    }

    /// The bytes that a token's spelling stands for; a spelling with any other scalar stands for its own UTF-8.
    static func bytes(of spelling: String) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(spelling.utf8.count)
        for scalar in spelling.unicodeScalars {
            guard scalar.value < bytes.count, let byte = bytes[Int(scalar.value)] else {
                return Array(spelling.utf8)
            }
            result.append(byte)
        }
        return result
    }
}
