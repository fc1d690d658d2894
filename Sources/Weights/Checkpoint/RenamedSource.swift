import TensorCore

/// A source under other names; what has none is hidden.
public struct RenamedSource: TensorSource {
    /// The new names, sorted.
    public let names: [String]
    private let source: any TensorSource
    private let originals: [String: String]

    /// What messages call the source.
    public var location: String { source.location }
    /// As the source has them.
    public var headerTexts: [[String: String]] { source.headerTexts }

    /// - Parameter rename: the new name of a tensor; nil hides it. Of two that get the same, the first by its old name
    ///   is shown.
    public init(_ source: any TensorSource, rename: (String) -> String?) {
        self.source = source
        originals = Dictionary(
            source.names.compactMap { name in rename(name).map { ($0, name) } },
            uniquingKeysWith: { first, _ in first })
        names = originals.keys.sorted()
    }

    /// Those of the source.
    public var mappings: [any HostMemory] { source.mappings }

    /// True if there is a tensor of this new name.
    public func contains(_ name: String) -> Bool { originals[name] != nil }

    /// The tensor. Throws `tensorMissing` with the new name.
    public func tensor(named name: String) throws(WeightsError) -> HostTensor {
        guard let original = originals[name] else { throw .tensorMissing(tensor: name, file: location) }
        return try source.tensor(named: original)
    }
}
