import Foundation
import TensorCore

/// A safetensors file, mapped read-only: its tensors are views of the mapping, and nothing of them is read before it is
/// used.
public struct SafetensorsFile: TensorSource {
    /// What messages call the file.
    public let location: String
    /// All names, sorted.
    public let names: [String]
    /// The texts under `__metadata__`.
    public let metadata: [String: String]
    /// The same, as a source has it.
    public var headerTexts: [[String: String]] { [metadata] }
    private let header: SafetensorsHeader
    private let mapping: MappedFile
    private let dataOffset: Int

    /// Maps a file and reads its header.
    ///
    /// - Parameter name: what messages call the file; the path if nil.
    /// - Throws: the errors of `MappedFile`, `truncated`, `trailingBytes`, `headerInvalid`.
    public init(file: URL, name: String? = nil) throws(WeightsError) {
        try self.init(try MappedFile(file: file, name: name))
    }

    init(_ mapping: MappedFile) throws(WeightsError) {
        let lengthByteCount = SafetensorsHeader.lengthByteCount
        guard mapping.byteCount >= lengthByteCount else {
            throw .truncated(file: mapping.name, expectedBytes: lengthByteCount, foundBytes: mapping.byteCount)
        }
        let length = mapping.bytes(in: 0..<lengthByteCount).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(SafetensorsHeader.limitBytes) else {
            let problem = HeaderProblem.tooLong(foundBytes: length, limitBytes: SafetensorsHeader.limitBytes)
            throw .headerInvalid(file: mapping.name, problem: problem)
        }
        let dataOffset = lengthByteCount + Int(length)
        guard dataOffset <= mapping.byteCount else {
            throw .truncated(file: mapping.name, expectedBytes: dataOffset, foundBytes: mapping.byteCount)
        }

        let header: SafetensorsHeader
        do throws(HeaderProblem) {
            header = try SafetensorsHeader(json: mapping.bytes(in: lengthByteCount..<dataOffset))
        } catch {
            throw .headerInvalid(file: mapping.name, problem: error)
        }
        // The sum may not fit if the header lies; then the file is certainly too short.
        let (sum, overflow) = dataOffset.addingReportingOverflow(header.dataByteCount)
        let expected = overflow ? Int.max : sum
        guard mapping.byteCount >= expected else {
            throw .truncated(file: mapping.name, expectedBytes: expected, foundBytes: mapping.byteCount)
        }
        guard mapping.byteCount == expected else {
            throw .trailingBytes(file: mapping.name, expectedBytes: expected, foundBytes: mapping.byteCount)
        }

        self.location = mapping.name
        self.names = (Array(header.entries.keys) + header.zeros.shapes.keys).sorted()
        self.metadata = header.metadata
        self.header = header
        self.mapping = mapping
        self.dataOffset = dataOffset
    }

    /// The file.
    public var mappings: [any HostMemory] { [mapping] }

    /// True if there is a tensor of this name.
    public func contains(_ name: String) -> Bool {
        header.entries[name] != nil || header.zeros.shapes[name] != nil
    }

    /// The tensor as a view of the mapping, or of zeros. Throws `tensorMissing`.
    public func tensor(named name: String) throws(WeightsError) -> HostTensor {
        if let zeros = header.zeros.tensor(named: name) { return zeros }
        guard let entry = header.entries[name] else { throw .tensorMissing(tensor: name, file: location) }
        return HostTensor(
            memory: mapping, byteOffset: dataOffset + entry.offset, shape: entry.shape, dtype: entry.dtype)
    }
}
