/// A token that is recognised in the text before anything else is done to it, such as `<|im_start|>`.
struct AddedToken: Sendable, Equatable {
    /// The token's id.
    let id: Int
    /// The text that stands for the token.
    let content: String
    /// Whether decoding may leave it out.
    let special: Bool
    /// Whether it is searched for in the normalised text instead of the text as given.
    let normalized: Bool
}
