import TensorCore

/// The directory of a safetensors file: which tensor lies where.
///
/// Format: https://github.com/huggingface/safetensors, README "Format" and `tensor.rs`: 8 bytes little-endian length, a
/// JSON object of that length, then the data, which the tensors cover without overlap and without holes.
struct SafetensorsHeader: Sendable {
    /// Longest header that is read (the reference's own bound).
    static let limitBytes = 100_000_000
    /// Most tensors of one file; the largest models have a few thousand.
    static let tensorLimit = 100_000
    /// Most axes of a tensor.
    static let axisLimit = 16
    /// Bytes before the header that hold its length.
    static let lengthByteCount = 8
    /// The key that holds texts instead of a tensor.
    static let metadataKey = "__metadata__"

    /// Where a tensor lies and what it is.
    struct Entry: Sendable {
        let dtype: DType
        let shape: Shape
        /// Counted from the start of the data.
        let offset: Int
    }

    let entries: [String: Entry]
    let metadata: [String: String]
    /// Tensors without bytes.
    let zeros: ZeroTensors
    /// Bytes of all tensors together.
    let dataByteCount: Int

    /// Reads the JSON part.
    init(json: [UInt8]) throws(HeaderProblem) {
        let raw: RawHeader
        // The reference reads only headers that begin so; white space may follow, never lead.
        guard json.first == nil || json.first == UInt8(ascii: "{") else { throw .notAnObject(firstByte: json[0]) }
        do throws(JSONProblem) {
            raw = try RawHeader(json: json)
        } catch {
            throw .json(error)
        }

        var entries: [String: Entry] = [:]
        var ranges: [(begin: Int, end: Int, name: String)] = []
        entries.reserveCapacity(raw.tensors.count)
        ranges.reserveCapacity(raw.tensors.count)
        for tensor in raw.tensors {
            let entry = try Self.check(tensor)
            entries[tensor.name] = entry
            ranges.append((entry.offset, entry.offset + entry.shape.elementCount * entry.dtype.byteCount, tensor.name))
        }

        // By end too, so that an empty tensor stands before the one that begins where it lies.
        ranges.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        var end = 0
        for (index, range) in ranges.enumerated() {
            if range.begin < end { throw .overlap(tensor: range.name, other: ranges[index - 1].name) }
            if range.begin > end {
                throw .gap(tensor: range.name, expectedOffset: end, foundOffset: range.begin)
            }
            end = range.end
        }
        zeros = try ZeroTensors(json: raw.metadata[ZeroTensors.metadataKey]) { entries[$0] != nil }
        self.entries = entries
        self.metadata = raw.metadata
        self.dataByteCount = end
    }

    private static func check(_ raw: RawHeader.Tensor) throws(HeaderProblem) -> Entry {
        guard let dtypeName = raw.dtype else { throw .missingKey(tensor: raw.name, key: "dtype") }
        guard let dimensions = raw.shape else { throw .missingKey(tensor: raw.name, key: "shape") }
        guard let offsets = raw.offsets else { throw .missingKey(tensor: raw.name, key: "data_offsets") }
        guard let dtype = DType(safetensorsName: dtypeName) else {
            throw .unknownDType(tensor: raw.name, found: dtypeName)
        }
        guard let shape = Shape(checking: dimensions) else {
            throw .shapeTooLarge(tensor: raw.name, dimensions: dimensions)
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .wrongOffsets(tensor: raw.name, offsets: offsets)
        }
        let expected = shape.elementCount * dtype.byteCount
        guard offsets[1] - offsets[0] == expected else {
            throw .wrongLength(tensor: raw.name, expectedBytes: expected, foundBytes: offsets[1] - offsets[0])
        }
        return Entry(dtype: dtype, shape: shape, offset: offsets[0])
    }
}

/// A header as its JSON has it, before any value is believed.
private struct RawHeader {
    struct Tensor {
        let name: String
        var dtype: String?
        var shape: [Int]?
        var offsets: [Int]?
    }

    var tensors: [Tensor] = []
    var metadata: [String: String] = [:]

    init(json: [UInt8]) throws(JSONProblem) {
        var reader = JSONReader(json, limits: .init(members: SafetensorsHeader.tensorLimit + 1))
        var object = try reader.beginObject()
        while let key = try reader.nextKey(of: &object) {
            if key == SafetensorsHeader.metadataKey {
                var texts = try reader.beginObject()
                while let name = try reader.nextKey(of: &texts) { metadata[name] = try reader.readText() }
            } else {
                guard tensors.count < SafetensorsHeader.tensorLimit else {
                    throw .tooManyMembers(limit: SafetensorsHeader.tensorLimit)
                }
                tensors.append(try Self.readTensor(named: key, &reader))
            }
        }
        try reader.finish()
    }

    private static func readTensor(named name: String, _ reader: inout JSONReader) throws(JSONProblem) -> Tensor {
        var tensor = Tensor(name: name)
        var object = try reader.beginObject()
        while let key = try reader.nextKey(of: &object) {
            switch key {
            case "dtype": tensor.dtype = try reader.readText(atMost: 64)
            case "shape": tensor.shape = try reader.readIntegers(atMost: SafetensorsHeader.axisLimit)
            case "data_offsets": tensor.offsets = try reader.readIntegers(atMost: 2)
            default: try reader.skipValue()
            }
        }
        return tensor
    }
}
