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
    }

    private static let imageNames: Set<String> = ["image", "image[]"]

    /// Reads a body; `modelName` is what is served.
    init(_ head: RequestHead, body: [UInt8], modelName: String) throws(ServiceError) {
        let kind = try RequestBodyKind(head)
        if case .picture = kind { throw .unsupportedMediaType("a picture alone") }
        let body = try RequestBody(kind, body, imageNames: Self.imageNames)
        try RequestQuery(head).allowOnly([])
        var reader = OptionReader()
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

    private static func take(
        _ name: Name, _ field: BodyField, _ modelName: String, _ reader: inout OptionReader
    ) throws(ServiceError) {
        if name == .count {
            return try reader.read(
                BodyField(name: LayerParameter.numImagesPerPrompt.rawValue, bytes: field.bytes, kind: field.kind))
        }
        guard field.kind == nil || field.kind == .string, let text = field.text else {
            throw .unreadableParameter(name: field.name, value: "", expected: "a short text")
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
        }
    }
}
