import QwenImage

/// Gathers options from named texts, each at most once.
struct OptionReader: Sendable {
    private(set) var options = DecompositionOptions()
    private var seen: Set<LayerParameter> = []

    /// Takes one parameter; throws if it is unknown, repeated, or cannot be read.
    mutating func read(_ name: String, _ value: String) throws(ServiceError) {
        guard let parameter = LayerParameter(name: name) else {
            throw .unknownParameter(name: String(name.prefix(80)), known: LayerParameter.names)
        }
        guard seen.insert(parameter).inserted else { throw .repeatedParameter(name: parameter.rawValue) }
        try parameter.set(value, name: name, in: &options)
    }

    /// Takes one field of a form.
    mutating func read(_ name: String, _ bytes: ArraySlice<UInt8>) throws(ServiceError) {
        guard bytes.count <= DecompositionParameters.largestPromptBytes,
            let text = String(validating: bytes, as: UTF8.self)
        else {
            throw .unreadableParameter(
                name: String(name.prefix(80)), value: "\(bytes.count) bytes",
                expected: "UTF-8 of at most \(DecompositionParameters.largestPromptBytes) bytes")
        }
        try read(name, text)
    }
}
