/// What the pre-tokenizer's pattern can tell apart in a scalar.
enum ScalarClass: UInt8 {
    /// `\p{L}`.
    case letter
    /// `\p{N}`.
    case number
    /// `\s` but for the two line breaks.
    case space
    /// `\r` or `\n`; also a `\s`.
    case lineBreak
    /// Everything else: marks, punctuation, symbols, controls, unassigned scalars.
    case other

    /// The first version of Unicode that the regular expressions of huggingface/tokenizers (Oniguruma) do not know.
    /// What came with it or later is neither letter nor number there.
    private static let firstUnknownVersion = 17

    private static let ascii: [ScalarClass] = (UInt8(0)..<128).map { value in
        switch value {
        case UInt8(ascii: "\r"), UInt8(ascii: "\n"): .lineBreak
        case 0x09, 0x0B, 0x0C, 0x20: .space
        case UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): .letter
        default: .other
        }
    }

    /// Classifies a scalar.
    init(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            self = Self.ascii[Int(scalar.value)]
            return
        }
        let properties = scalar.properties
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            self = Self.isKnown(properties) ? .letter : .other
        case .decimalNumber, .letterNumber, .otherNumber:
            self = Self.isKnown(properties) ? .number : .other
        default:
            self = properties.isWhitespace ? .space : .other
        }
    }

    private static func isKnown(_ properties: Unicode.Scalar.Properties) -> Bool {
        guard let age = properties.age else { return false }
        return age.major < firstUnknownVersion
    }

    /// Whether `\s` matches.
    var isSpace: Bool { self == .space || self == .lineBreak }
}
