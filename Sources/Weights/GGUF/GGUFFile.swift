import Foundation
import TensorCore

/// A GGUF file, mapped read-only: its tensors are views of the mapping, in the types that it has them in, and nothing
/// of them is read before it is used.
public struct GGUFFile: TensorSource {
    /// What messages call the file.
    public let location: String
    /// All names, sorted.
    public let names: [String]
    /// What the model is a kind of, such as `qwen_image`; nil if the file does not say.
    public var architecture: String? { header.architecture }
    private let header: GGUFHeader
    private let mapping: MappedFile

    /// How such files end.
    static let suffix = ".gguf"

    /// Maps a file and reads its header.
    ///
    /// - Parameter name: what messages call the file; the path if nil.
    /// - Throws: the errors of `MappedFile`, `ggufInvalid`.
    public init(file: URL, name: String? = nil) throws(WeightsError) {
        try self.init(try MappedFile(file: file, name: name))
    }

    init(_ mapping: MappedFile) throws(WeightsError) {
        do throws(GGUFProblem) {
            header = try mapping.withUnsafeBytes { (bytes) throws(GGUFProblem) in try GGUFHeader(bytes) }
        } catch {
            throw .ggufInvalid(file: mapping.name, problem: error)
        }
        location = mapping.name
        names = header.entries.keys.sorted()
        self.mapping = mapping
    }

    /// True for a file that begins as such files do, or is called so.
    static func isLike(_ mapping: MappedFile, _ file: URL) -> Bool {
        file.lastPathComponent.lowercased().hasSuffix(suffix)
            || mapping.withUnsafeBytes { $0.starts(with: GGUFHeader.magic) }
    }

    /// The file.
    public var mappings: [any HostMemory] { [mapping] }

    /// True if there is a tensor of this name.
    public func contains(_ name: String) -> Bool {
        header.entries[name] != nil
    }

    /// The tensor as a view of the mapping. Throws `tensorMissing`.
    public func tensor(named name: String) throws(WeightsError) -> HostTensor {
        guard let entry = header.entries[name] else { throw .tensorMissing(tensor: name, file: location) }
        return HostTensor(memory: mapping, byteOffset: entry.offset, shape: entry.shape, dtype: entry.dtype)
    }
}
