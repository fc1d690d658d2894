/// What a GGUF file must be to be taken as a component's weights.
public struct GGUFComponent: Sendable, Equatable {
    /// Its `general.architecture`.
    public let architecture: String
    /// A tensor that only such models have: some converters write an architecture of their own invention, or none.
    public let sign: String

    /// Both are compared with the file's, the sign's name perhaps behind a prefix.
    public init(architecture: String, sign: String) {
        self.architecture = architecture
        self.sign = sign
    }

    /// Throws `ggufArchitecture` for a file of another kind.
    func check(_ file: GGUFFile, _ prefixes: [String]) throws(WeightsError) {
        let isSigned = ([""] + prefixes).contains { file.contains($0 + sign) }
        guard isSigned || file.architecture == architecture else {
            throw .ggufArchitecture(
                file: file.location, expected: architecture, found: file.architecture ?? "unknown")
        }
    }
}
