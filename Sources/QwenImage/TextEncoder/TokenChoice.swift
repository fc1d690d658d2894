/// Chooses the next token of a caption: the most probable one after the repetition penalty.
///
/// Source: transformers 5.23, `RepetitionPenaltyLogitsProcessor`; sampling with `top_k` 1 takes the same token.
struct TokenChoice: Sendable {
    /// 1 for none.
    let repetitionPenalty: Float
    /// Every token so far, those of the prompt included.
    private var seen: Set<Int>

    init(repetitionPenalty: Float, prompt: [Int]) {
        self.repetitionPenalty = repetitionPenalty
        seen = Set(prompt)
    }

    /// The token for these logits (one value a token of the vocabulary); the first of equals. It counts as seen from
    /// then on. Nil if one of the logits is no number.
    mutating func next(_ logits: [Float]) -> Int? {
        guard !logits.contains(where: \.isNaN) else { return nil }
        var scores = logits
        if repetitionPenalty != 1 {
            for token in seen {
                let score = scores[token]
                scores[token] = score < 0 ? score * repetitionPenalty : score / repetitionPenalty
            }
        }
        var best = 0
        for token in scores.indices.dropFirst() where scores[token] > scores[best] {
            best = token
        }
        seen.insert(best)
        return best
    }
}
