/// What the text encoder wrote of a picture.
public struct Caption: Sendable, Equatable {
    /// The text, special tokens and surrounding white space taken away.
    public let text: String
    /// The tokens that were written, a final end token included.
    public let tokenIDs: [Int]
    /// The tokens of the caption prompt, the picture's included.
    public let promptTokenIDs: [Int]

    /// A caption with the tokens it was made of.
    public init(text: String, tokenIDs: [Int], promptTokenIDs: [Int]) {
        self.text = text
        self.tokenIDs = tokenIDs
        self.promptTokenIDs = promptTokenIDs
    }
}
