/// The words of a line of code: letters, digits and underscores, with what stands before each.
struct Words {
    private let list: [(text: Substring, before: Character?)]

    init(_ line: some StringProtocol) {
        var list: [(Substring, Character?)] = []
        var before: Character?
        var rest = Substring(line)
        while let first = rest.first {
            guard first.isLetter || first.isNumber || first == "_" else {
                before = first
                rest.removeFirst()
                continue
            }
            let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            list.append((word, before))
            before = word.last
            rest = rest.dropFirst(word.count)
        }
        self.list = list
    }

    /// True if the word occurs, and not directly after `excluded`.
    func contains(_ word: String, notAfter excluded: Character? = nil) -> Bool {
        list.contains { $0.text == word && (excluded == nil || $0.before != excluded) }
    }

    /// The first word.
    var first: Substring? { list.first?.text }
}
