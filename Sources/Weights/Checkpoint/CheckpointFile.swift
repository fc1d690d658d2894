import Foundation
import TensorCore

/// One file that holds a whole component, as single-file checkpoints are passed around, perhaps under a prefix such as
/// `model.diffusion_model.`.
public struct CheckpointFile: TensorSource {
    /// The names without the prefix, sorted.
    public let names: [String]
    private let file: any TensorSource
    private let prefix: String

    /// What messages call the file.
    public var location: String { file.location }
    /// The texts under `__metadata__`.
    public var metadata: [String: String] { headerTexts.first ?? [:] }
    /// The same, as a source has it.
    public var headerTexts: [[String: String]] { file.headerTexts }

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - prefixes: The first of these that any tensor's name begins with is taken off, and tensors without it
    ///     are not shown (they belong to another component in the same file). If none is met, all names stand as they
    ///     are.
    ///   - gguf: what a GGUF file must be; nil takes safetensors alone.
    /// - Throws: the errors of `SafetensorsFile` and `GGUFFile`, `ggufNotTaken`, `ggufArchitecture`.
    public init(
        file: URL, prefixes: [String] = [], name: String? = nil, gguf: GGUFComponent? = nil
    ) throws(WeightsError) {
        let opened = try Self.open(file, prefixes, name, gguf)
        let prefix = prefixes.first { prefix in opened.names.contains { $0.hasPrefix(prefix) } } ?? ""
        self.file = opened
        self.prefix = prefix
        // Names that share their beginning keep their order without it.
        self.names = opened.names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    private static func open(
        _ file: URL, _ prefixes: [String], _ name: String?, _ gguf: GGUFComponent?
    ) throws(WeightsError) -> any TensorSource {
        let mapping = try MappedFile(file: file, name: name)
        guard GGUFFile.isLike(mapping, file) else { return try SafetensorsFile(mapping) }
        guard let gguf else { throw .ggufNotTaken(file: mapping.name) }
        let opened = try GGUFFile(mapping)
        try gguf.check(opened, prefixes)
        return opened
    }

    /// The file.
    public var mappings: [any HostMemory] { file.mappings }

    /// True if there is a tensor of this name, the prefix left out.
    public func contains(_ name: String) -> Bool {
        file.contains(prefix + name)
    }

    /// The tensor as a view of the mapping. Throws `tensorMissing`, with the whole name.
    public func tensor(named name: String) throws(WeightsError) -> HostTensor {
        guard file.contains(prefix + name) else { throw .tensorMissing(tensor: prefix + name, file: location) }
        return try file.tensor(named: prefix + name)
    }
}
