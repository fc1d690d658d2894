import HTTPProtocol
import QwenImage

/// A request in the shape of OpenAI's image edits.
struct ImageEditRequest: Sendable {
    let request: LayerRequest

    /// Names that this path has besides those of the parameters.
    enum Name: String, CaseIterable {
        case count = "n"
        case model
        case size
        case responseFormat = "response_format"
        case outputFormat = "output_format"
        case background
        case user
        case quality
        case stream
        case inputFidelity = "input_fidelity"
        case moderation
        case outputCompression = "output_compression"
        case partialImages = "partial_images"

        /// What it is in JSON.
        var jsonKind: RequestJSON.Kind {
            switch self {
            case .count, .outputCompression, .partialImages: .number
            case .stream: .boolean
            default: .string
            }
        }
    }

    private static let imageNames: Set<String> = ["image", "image[]"]

    /// Reads a body; `modelName` is what is served.
    init(_ head: RequestHead, body: [UInt8], modelName: String) throws(ServiceError) {
        let kind = try Self.bodyKind(head)
        let body = try RequestBody(kind, body, imageNames: Self.imageNames)
        try RequestQuery(head).allowOnly([])
        var reader = OptionReader()
        reader.otherNames = Name.allCases.map(\.rawValue)
        var seen: Set<Name> = []
        for field in body.fields {
            guard let name = Name(rawValue: field.name) else {
                try reader.read(field)
                continue
            }
            guard seen.insert(name).inserted else { throw .repeatedParameter(name: field.name) }
            try Self.take(name, field, modelName, &reader)
        }
        request = LayerRequest(
            picture: body.picture, options: reader.options, finish: reader.finish, wishes: reader.wishes)
    }

    /// How the body is to be read; a picture alone says too little.
    static func bodyKind(_ head: RequestHead) throws(ServiceError) -> RequestBodyKind {
        let kind = try RequestBodyKind(head, readable: .forms)
        if case .picture = kind { throw .unsupportedMediaType("a picture alone", readable: .forms) }
        return kind
    }

    private static func take(
        _ name: Name, _ field: BodyField, _ modelName: String, _ reader: inout OptionReader
    ) throws(ServiceError) {
        if name == .count {
            return try reader.read(
                BodyField(name: LayerParameter.numImagesPerPrompt.rawValue, bytes: field.bytes, kind: field.kind))
        }
        guard field.kind == nil || field.kind == name.jsonKind, let text = field.text else {
            throw .unreadableParameter(name: field.name, value: "", expected: "a short JSON \(name.jsonKind)")
        }
        switch name {
        case .count: break
        case .model:
            // Names of hubs have an owner before the slash.
            let last = text.split(separator: "/").last ?? ""
            guard last.lowercased() == modelName.lowercased() else {
                throw .unknownModel(ParameterText.shortened(text), served: modelName)
            }
        case .size:
            guard text != "auto" else { return }
            let sides = text.split(separator: "x", omittingEmptySubsequences: false)
            guard sides.count == 2, sides[0] == sides[1], ParameterText.isNumber(String(sides[0])) else {
                throw .unreadableParameter(
                    name: field.name, value: ParameterText.shortened(text),
                    expected: "auto, or a square such as 640x640")
            }
            try reader.read(LayerParameter.resolution.rawValue, String(sides[0]))
        case .responseFormat: _ = try ParameterText.choice(text, field.name, [("b64_json", true)])
        case .outputFormat: _ = try ParameterText.choice(text, field.name, [("png", true)])
        case .background:
            _ = try ParameterText.choice(text, field.name, [("auto", true), ("transparent", true)])
        case .user: break
        // There is one quality, and no part of an answer comes before the rest.
        case .quality:
            let words = ["auto", "standard", "low", "medium", "high", "hd"]
            _ = try ParameterText.choice(text, field.name, words.map { ($0, true) })
        case .inputFidelity: _ = try ParameterText.choice(text, field.name, [("high", true), ("low", true)])
        case .moderation: _ = try ParameterText.choice(text, field.name, [("auto", true), ("low", true)])
        case .stream: _ = try ParameterText.choice(text, field.name, [("false", false)])
        case .outputCompression: _ = try ParameterText.integer(text, field.name, 0...100)
        case .partialImages: _ = try ParameterText.integer(text, field.name, 0...0)
        }
    }
}
