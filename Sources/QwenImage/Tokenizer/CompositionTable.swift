import Foundation

/// The data of canonical decomposition and composition, as of Unicode 9.
///
/// They are gathered once from the standard library, scalar by scalar. The stability policy of Unicode fixes them for
/// every scalar that was assigned by then; later scalars are left alone.
enum CompositionTable {
    /// Version of the data in the crate unicode-normalization-alignments, which huggingface/tokenizers uses.
    private static let version = 9
    private static let firstMark: UInt32 = 0x300
    private static let firstDecomposed: UInt32 = 0xC0

    /// The blocks in which scalars with a canonical decomposition lie, but for the Hangul syllables.
    private static let blocks: [ClosedRange<UInt32>] = [
        firstDecomposed...0x33FF, 0xF900...0xFB4F, 0x1_1000...0x1_1FFF, 0x1_D100...0x1_D1FF, 0x2_F800...0x2_FA1F,
    ]

    private static let table: (parts: [Unicode.Scalar: [Unicode.Scalar]], composites: [Pair: Unicode.Scalar]) = {
        var parts: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        var composites: [Pair: Unicode.Scalar] = [:]
        for scalar in blocks.joined().compactMap({ Unicode.Scalar($0) }) where isKnown(scalar) {
            let own = String(Character(scalar))
            let decomposed = Array(own.decomposedStringWithCanonicalMapping.unicodeScalars)
            guard decomposed != [scalar] else { continue }
            parts[scalar] = decomposed
            // A scalar that its own composed form lacks is excluded from composition.
            let recomposed = Array(own.precomposedStringWithCanonicalMapping.unicodeScalars)
            guard let last = decomposed.last, recomposed == [scalar] else { continue }
            var head = String.UnicodeScalarView()
            head.append(contentsOf: decomposed.dropLast())
            let first = Array(String(head).precomposedStringWithCanonicalMapping.unicodeScalars)
            if first.count == 1 { composites[Pair(first: first[0], second: last)] = scalar }
        }
        return (parts, composites)
    }()

    private struct Pair: Hashable {
        let first: Unicode.Scalar
        let second: Unicode.Scalar
    }

    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        guard let age = scalar.properties.age else { return false }
        return age.major <= version
    }

    /// The canonical combining class; 0 for a scalar that was not assigned by Unicode 9.
    static func combiningClass(of scalar: Unicode.Scalar) -> UInt8 {
        guard scalar.value >= firstMark else { return 0 }
        let combiningClass = scalar.properties.canonicalCombiningClass.rawValue
        return combiningClass == 0 || isKnown(scalar) ? combiningClass : 0
    }

    /// The full canonical decomposition; the scalar itself if it has none.
    static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if scalar.value < firstDecomposed { return [scalar] }
        return HangulSyllable.decomposition(of: scalar) ?? table.parts[scalar] ?? [scalar]
    }

    /// The scalar that two others make together, if there is one that composition may make.
    static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        guard second.value >= firstMark else { return nil }
        return HangulSyllable.composite(first, second) ?? table.composites[Pair(first: first, second: second)]
    }
}
