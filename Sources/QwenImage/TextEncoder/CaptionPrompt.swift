/// The tokens of a caption prompt, with as many image tokens as the picture has features.
struct CaptionPrompt: Sendable, Equatable {
    let tokenIDs: [Int]
    /// Where the picture's features go.
    let imageRange: Range<Int>

    /// Throws `model` if the tokenizer does not know the image token, or knows another one than the text encoder.
    init(
        language: CaptionLanguage, grid: PatchGrid, tokenizer: Tokenizer, imageTokenID: Int
    ) throws(PipelineError) {
        guard tokenizer.id(of: PromptTemplate.imageToken) == imageTokenID else {
            throw .model(
                file: "tokenizer",
                problem: "\(PromptTemplate.imageToken) is not the token \(imageTokenID), which the text encoder's"
                    + " configuration has for pictures")
        }
        let ids = tokenizer.encode(PromptTemplate.caption(language))
        guard let place = ids.firstIndex(of: imageTokenID) else {
            throw .model(file: "tokenizer", problem: "\(PromptTemplate.imageToken) is not kept as one token")
        }
        imageRange = place..<(place + grid.mergedCount)
        tokenIDs = Array(ids[..<place]) + imageRange.map { _ in imageTokenID } + Array(ids[(place + 1)...])
    }
}
