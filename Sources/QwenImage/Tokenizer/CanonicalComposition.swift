/// Normalisation form C as the tokenizer was made with it: that of Unicode 9.
///
/// Foundation's own composition is not used for whole texts, for reasons found by comparison with
/// huggingface/tokenizers: its data are newer, so that marks added since Unicode 9 are moved where the reference leaves
/// them; and on Linux it does not join a Hangul syllable with a final consonant behind it, and misplaces U+0F75.
enum CanonicalComposition {
    /// Below this, no scalar is changed, moved, or joined with another one below it.
    private static let firstAffected: UInt32 = 0x300

    /// The composed form of a text.
    static func compose(_ scalars: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        guard scalars.contains(where: { $0.value >= firstAffected }) else { return Array(scalars) }
        return joined(decomposed(scalars))
    }

    /// The decomposed form, marks in canonical order, each scalar with its combining class.
    private static func decomposed(_ scalars: ArraySlice<Unicode.Scalar>) -> [(scalar: Unicode.Scalar, class: UInt8)] {
        var result: [(scalar: Unicode.Scalar, class: UInt8)] = []
        result.reserveCapacity(scalars.count)
        /// Where the marks behind the last starter begin.
        var runStart = 0
        for scalar in scalars {
            for part in CompositionTable.decomposition(of: scalar) {
                let combiningClass = CompositionTable.combiningClass(of: part)
                if combiningClass == 0 {
                    order(&result[runStart...])
                    runStart = result.count + 1
                }
                result.append((part, combiningClass))
            }
        }
        order(&result[runStart...])
        return result
    }

    /// Sorts a run of marks by class, equal ones in the order given.
    private static func order(_ run: inout ArraySlice<(scalar: Unicode.Scalar, class: UInt8)>) {
        guard run.count > 1, zip(run, run.dropFirst()).contains(where: { $0.class > $1.class }) else { return }
        let sorted = run.enumerated().sorted { left, right in
            (left.element.class, left.offset) < (right.element.class, right.offset)
        }
        run = ArraySlice(sorted.map(\.element))
    }

    /// Joins each starter with the marks behind it, and with the starter behind it, where a composite exists.
    /// Source: the Unicode Standard, section 3.11, D117.
    private static func joined(_ text: [(scalar: Unicode.Scalar, class: UInt8)]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        var starter: Int?
        /// Class of the last scalar kept behind the starter; -1 while there is none.
        var lastClass = -1
        for (scalar, combiningClass) in text {
            if let starter, lastClass < Int(combiningClass),
                let composite = CompositionTable.composite(result[starter], scalar)
            {
                result[starter] = composite
                continue
            }
            if combiningClass == 0 {
                starter = result.count
                lastClass = -1
            } else {
                lastClass = Int(combiningClass)
            }
            result.append(scalar)
        }
        return result
    }
}
