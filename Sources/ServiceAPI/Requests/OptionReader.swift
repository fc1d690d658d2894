import LayerFitting
import QwenImage

/// Gathers options from named values, each at most once.
struct OptionReader: Sendable {
    private(set) var options = DecompositionOptions()
    private(set) var wishes = JobWishes()
    private var finishing = FinishReader()
    private var seen: Set<LayerParameter> = []

    /// Every name that is read, in a fixed order.
    static let names =
        LayerParameter.names + FinishParameter.allCases.map(\.rawValue)
        + JobWishes.Name.allCases.map(\.rawValue)

    /// Names that the path has besides, for the message on one that it has not.
    var otherNames: [String] = []

    /// What is to become of the layers.
    var finish: LayerFinish { finishing.finish(mergesLayers: options.countsLayers) }

    /// Takes one parameter; throws if it is unknown, repeated, or cannot be read.
    mutating func read(_ name: String, _ value: String) throws(ServiceError) {
        if let wish = JobWishes.Name(rawValue: name) { return try wishes.set(wish, value) }
        if let finish = FinishParameter(rawValue: name) { return try finishing.set(finish, value) }
        guard let parameter = LayerParameter(name: name) else { throw unknown(name) }
        guard seen.insert(parameter).inserted else { throw .repeatedParameter(name: parameter.rawValue) }
        try parameter.set(value, name: name, in: &options)
    }

    /// Takes one field of a body.
    mutating func read(_ field: BodyField) throws(ServiceError) {
        guard Self.names.contains(field.name) else { throw unknown(field.name) }
        guard field.bytes.count <= DecompositionParameters.largestPromptBytes,
            let text = String(validating: field.bytes, as: UTF8.self)
        else {
            throw .unreadableParameter(
                name: String(field.name.prefix(80)), value: "\(field.bytes.count) bytes",
                expected: "UTF-8 of at most \(DecompositionParameters.largestPromptBytes) bytes")
        }
        guard let kind = field.kind, let expected = Self.jsonKind(of: field.name) else {
            return try read(field.name, text)
        }
        let takesWord = field.name == LayerParameter.layers.rawValue
        let isWord = kind == .string && takesWord && text == LayerParameter.automatic
        guard kind == expected || isWord else {
            throw .unreadableParameter(
                name: field.name, value: ParameterText.shortened(text),
                expected: "a JSON \(expected)" + (takesWord ? ", or \"\(LayerParameter.automatic)\"" : ""))
        }
        try read(field.name, kind == .number ? ParameterText.normalized(number: text) : text)
    }

    private func unknown(_ name: String) -> ServiceError {
        .unknownParameter(name: String(name.prefix(80)), known: Self.names + otherNames)
    }

    private static func jsonKind(of name: String) -> RequestJSON.Kind? {
        if name == LayerParameter.captionLanguage { return .string }
        if let finish = FinishParameter(rawValue: name) { return finish.jsonKind }
        return JobWishes.Name(rawValue: name)?.jsonKind ?? LayerParameter(name: name)?.jsonKind
    }
}
