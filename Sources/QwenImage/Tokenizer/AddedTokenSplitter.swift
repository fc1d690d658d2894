/// Finds added tokens in a text: at the leftmost place where one begins, the longest one.
///
/// Source: `AddedVocabulary` of huggingface/tokenizers (`tokenizer/added_vocabulary.rs`), whose automaton matches
/// "leftmost longest".
struct AddedTokenSplitter: Sendable {
    /// A piece of a text.
    enum Piece: Equatable {
        /// Text without added tokens, as indices of the text.
        case text(Range<Int>)
        /// An added token.
        case token(Int)
    }

    /// A tree over the scalars of all tokens, as transitions `(node, scalar) -> node`; node 0 is the root.
    private var transitions: [Edge: Int] = [:]
    private var tokens: [Int?] = [nil]

    private struct Edge: Hashable {
        let node: Int
        let scalar: Unicode.Scalar
    }

    /// Takes the tokens by their text; an empty one is never found.
    init(_ tokens: [(content: [Unicode.Scalar], id: Int)]) {
        for token in tokens where !token.content.isEmpty {
            var node = 0
            for scalar in token.content {
                let edge = Edge(node: node, scalar: scalar)
                node = transitions[edge] ?? self.tokens.count
                transitions[edge] = node
                if node == self.tokens.count { self.tokens.append(nil) }
            }
            self.tokens[node] = token.id
        }
    }

    /// Cuts a text; no piece of text is empty.
    func split(_ text: ArraySlice<Unicode.Scalar>) -> [Piece] {
        guard !transitions.isEmpty else { return text.isEmpty ? [] : [.text(text.startIndex..<text.endIndex)] }
        var pieces: [Piece] = []
        var textStart = text.startIndex
        var place = text.startIndex
        while place < text.endIndex {
            guard let (id, end) = longestToken(in: text, from: place) else {
                place += 1
                continue
            }
            if textStart < place { pieces.append(.text(textStart..<place)) }
            pieces.append(.token(id))
            place = end
            textStart = end
        }
        if textStart < text.endIndex { pieces.append(.text(textStart..<text.endIndex)) }
        return pieces
    }

    private func longestToken(in text: ArraySlice<Unicode.Scalar>, from start: Int) -> (id: Int, end: Int)? {
        var found: (id: Int, end: Int)?
        var node = 0
        for place in start..<text.endIndex {
            guard let following = transitions[Edge(node: node, scalar: text[place])] else { break }
            node = following
            if let id = tokens[node] { found = (id, place + 1) }
        }
        return found
    }
}
