/// Base64 (RFC 4648 section 4), read strictly and written.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// For each byte its six bits; 64 and more for those that mean nothing.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    private static let padding: UInt8 = 0x3D

    /// The bytes that `text` stands for; nil if it is not base64. Line ends are skipped; padding may be left out.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = text
        for _ in 0..<2 where rest.last == padding { rest.removeLast() }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(rest.count / 4 * 3 + 2)
        var bits: UInt32 = 0
        var count = 0
        for byte in rest {
            let value = values[Int(byte)]
            if value < 64 {
                bits = bits << 6 | UInt32(value)
                count += 1
                if count == 4 {
                    decoded.append(UInt8(truncatingIfNeeded: bits >> 16))
                    decoded.append(UInt8(truncatingIfNeeded: bits >> 8))
                    decoded.append(UInt8(truncatingIfNeeded: bits))
                    (bits, count) = (0, 0)
                }
            } else if byte != 0x0A, byte != 0x0D {
                return nil
            }
        }
        // What is left over must be whole bytes, and the bits behind them zero.
        switch count {
        case 0: return decoded
        case 2 where bits & 0xF == 0: return decoded + [UInt8(truncatingIfNeeded: bits >> 4)]
        case 3 where bits & 0x3 == 0:
            return decoded + [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
        default: return nil
        }
    }

    /// Base64 of `bytes`, with padding.
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index + 2 < bytes.count {
            let bits = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
            append(bits, 4, to: &text)
            index += 3
        }
        switch bytes.count - index {
        case 1:
            append(UInt32(bytes[index]) << 16, 2, to: &text)
            text += [padding, padding]
        case 2:
            append(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8, 3, to: &text)
            text.append(padding)
        default: break
        }
        return text
    }

    private static func append(_ bits: UInt32, _ count: Int, to text: inout [UInt8]) {
        for place in 0..<count { text.append(alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)]) }
    }
}
