/// The arithmetic of Hangul syllables: the Unicode Standard, section 3.12.
enum HangulSyllable {
    private static let first: UInt32 = 0xAC00
    private static let firstLeading: UInt32 = 0x1100
    private static let firstVowel: UInt32 = 0x1161
    /// One before the first trailing consonant: index 0 stands for "none".
    private static let trailingBase: UInt32 = 0x11A7
    private static let leadingCount: UInt32 = 19
    private static let vowelCount: UInt32 = 21
    private static let trailingCount: UInt32 = 28
    private static let count = leadingCount * vowelCount * trailingCount

    /// The two or three letters of a syllable; nil for any other scalar.
    static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
        guard let index = index(of: scalar, from: first, count: count) else { return nil }
        let trailing = index % trailingCount
        let letters = [
            firstLeading + index / (vowelCount * trailingCount),
            firstVowel + index / trailingCount % vowelCount,
            trailingBase + trailing,
        ]
        return letters.prefix(trailing == 0 ? 2 : 3).compactMap { Unicode.Scalar($0) }
    }

    /// The syllable of a leading consonant and a vowel, or of an open syllable and a trailing consonant.
    static func composite(_ left: Unicode.Scalar, _ right: Unicode.Scalar) -> Unicode.Scalar? {
        if let leading = index(of: left, from: firstLeading, count: leadingCount),
            let vowel = index(of: right, from: firstVowel, count: vowelCount)
        {
            return Unicode.Scalar(first + (leading * vowelCount + vowel) * trailingCount)
        }
        guard let syllable = index(of: left, from: first, count: count), syllable % trailingCount == 0,
            let trailing = index(of: right, from: trailingBase, count: trailingCount), trailing > 0
        else { return nil }
        return Unicode.Scalar(left.value + trailing)
    }

    private static func index(of scalar: Unicode.Scalar, from start: UInt32, count: UInt32) -> UInt32? {
        guard scalar.value >= start, scalar.value - start < count else { return nil }
        return scalar.value - start
    }
}
