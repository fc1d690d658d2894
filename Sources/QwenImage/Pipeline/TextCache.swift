import ImageCodecs

/// A prompt as the text encoder gives it, in host memory.
public struct PromptEmbedding: Sendable, Equatable {
    /// [tokens, width], row-major.
    public let values: [Float]
    public let width: Int

    /// `values` are a whole number of rows of `width`.
    public init(values: [Float], width: Int) {
        precondition(width > 0 && values.count % width == 0, "\(values.count) values are no rows of \(width)")
        self.values = values
        self.width = width
    }
}

/// Keeps what the text encoder computed, for one model: the same picture or prompt gives the same text or embedding.
public protocol TextCache: Sendable {
    /// The caption of a picture that was resized for the job, or nil.
    func caption(of picture: PixelBuffer, language: CaptionLanguage) -> String?
    /// Keeps a caption.
    func keep(caption: String, of picture: PixelBuffer, language: CaptionLanguage)
    /// The embedding of a prompt, or nil.
    func embedding(of prompt: String, maxSequenceLength: Int) -> PromptEmbedding?
    /// Keeps an embedding.
    func keep(_ embedding: PromptEmbedding, of prompt: String, maxSequenceLength: Int)
}
