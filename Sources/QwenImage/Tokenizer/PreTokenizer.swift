/// Cuts normalised text into the words that byte-pair encoding then works on, one by one.
///
/// The cuts are those of Qwen2's pattern (transformers 5.23, `models/qwen2/tokenization_qwen2.py`):
/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
/// Its alternatives cover every scalar, so the words are the whole text.
struct PreTokenizer {
    /// The pattern that `tokenizer.json` must name.
    static let pattern = [
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#, #"[^\r\n\p{L}\p{N}]?\p{L}+"#, #"\p{N}"#, #" ?[^\s\p{L}\p{N}]+[\r\n]*"#,
        #"\s*[\r\n]+"#, #"\s+(?!\S)"#, #"\s+"#,
    ].joined(separator: "|")

    private let scalars: ArraySlice<Unicode.Scalar>
    private let classes: [ScalarClass]

    /// Prepares a text.
    init(_ scalars: ArraySlice<Unicode.Scalar>) {
        self.scalars = scalars
        classes = scalars.map { ScalarClass($0) }
    }

    /// The words in order, as ranges of the text's indices.
    func words() -> [Range<Int>] {
        var words: [Range<Int>] = []
        var start = 0
        while start < classes.count {
            let end = wordEnd(from: start)
            words.append(scalars.startIndex + start..<scalars.startIndex + end)
            start = end
        }
        return words
    }

    /// Tries the alternatives in the pattern's order; each branch is one of them.
    private func wordEnd(from start: Int) -> Int {
        if let end = contractionEnd(from: start) { return end }
        switch classes[start] {
        case .letter:
            return end(from: start) { $0 == .letter }
        case .number:
            return start + 1
        case .space where follows(start, .letter), .other where follows(start, .letter):
            return end(from: start + 1) { $0 == .letter }
        case .other:
            return symbolsEnd(from: start)
        case .space where scalars[scalars.startIndex + start] == " " && follows(start, .other):
            return symbolsEnd(from: start + 1)
        case .space, .lineBreak:
            return spaceEnd(from: start)
        }
    }

    private func follows(_ place: Int, _ expected: ScalarClass) -> Bool {
        place + 1 < classes.count && classes[place + 1] == expected
    }

    private func end(from start: Int, while matches: (ScalarClass) -> Bool) -> Int {
        var end = start
        while end < classes.count, matches(classes[end]) { end += 1 }
        return end
    }

    /// `[^\s\p{L}\p{N}]+[\r\n]*`.
    private func symbolsEnd(from start: Int) -> Int {
        end(from: end(from: start) { $0 == .other }) { $0 == .lineBreak }
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break of the run; without one, the run but for its last blank,
    /// which is left for the word that follows, unless the text ends here or the run is that one blank.
    private func spaceEnd(from start: Int) -> Int {
        let runEnd = end(from: start) { $0.isSpace }
        if let lineBreak = classes[start..<runEnd].lastIndex(of: .lineBreak) { return lineBreak + 1 }
        return runEnd == classes.count || runEnd == start + 1 ? runEnd : runEnd - 1
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`; without case, the long s (U+017F) is an s.
    private func contractionEnd(from start: Int) -> Int? {
        guard scalar(start) == "'", let first = scalar(start + 1) else { return nil }
        switch first {
        case "s", "S", "t", "T", "m", "M", "d", "D", "\u{17F}":
            return start + 2
        case "r", "R", "v", "V":
            return scalar(start + 2) == "e" || scalar(start + 2) == "E" ? start + 3 : nil
        case "l", "L":
            return scalar(start + 2) == "l" || scalar(start + 2) == "L" ? start + 3 : nil
        default:
            return nil
        }
    }

    private func scalar(_ place: Int) -> Unicode.Scalar? {
        place < classes.count ? scalars[scalars.startIndex + place] : nil
    }
}
