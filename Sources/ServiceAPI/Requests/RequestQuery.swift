import HTTPProtocol

/// The query of a request.
struct RequestQuery: Sendable {
    /// In order.
    let pairs: [(name: String, value: String)]

    /// Decodes it; throws if it is not properly encoded.
    init(_ head: RequestHead) throws(ServiceError) {
        do {
            pairs = try PercentDecoder.parameters(of: head.target.query ?? [])
        } catch {
            throw .query(error)
        }
    }

    /// The one value of a parameter, or nil; throws if it is there twice.
    func value(_ name: String) throws(ServiceError) -> String? {
        let values = pairs.filter { $0.name == name }
        guard values.count <= 1 else { throw .repeatedParameter(name: name) }
        return values.first?.value
    }

    /// Throws if there is a parameter of another name.
    func allowOnly(_ names: [String]) throws(ServiceError) {
        for (name, _) in pairs where !names.contains(name) {
            throw .unknownParameter(name: String(name.prefix(80)), known: names)
        }
    }

    /// A whole number, or `usual` if the parameter is not there.
    func integer(_ name: String, _ range: ClosedRange<Int>, usual: Int) throws(ServiceError) -> Int {
        guard let text = try value(name) else { return usual }
        return try ParameterText.integer(text, name, range)
    }
}
