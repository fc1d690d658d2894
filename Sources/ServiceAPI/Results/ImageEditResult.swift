/// A result in the shape of OpenAI's image edits.
struct ImageEditResult: Encodable, Sendable {
    /// A layer.
    struct Image: Encodable, Sendable {
        let base64: String
        /// The caption that the model wrote, if it did.
        let revisedPrompt: String?

        private enum CodingKeys: String, CodingKey {
            case base64 = "b64_json"
            case revisedPrompt = "revised_prompt"
        }
    }

    /// Unix time.
    let created: Int
    /// Layers of each image.
    let layers: Int
    let seed: UInt64
    let outputFormat = "png"
    let size: String
    /// Bottom first, image after image.
    let data: [Image]

    private enum CodingKeys: String, CodingKey {
        case created
        case layers
        case seed
        case outputFormat = "output_format"
        case size
        case data
    }
}
