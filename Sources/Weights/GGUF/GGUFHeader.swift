import TensorCore

/// The directory of a GGUF file: what it says of itself, and which tensor lies where.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: four letters, a version, two counts, so many keys
/// with values, so many tensors' names, extents, types and offsets, then, from a multiple of the alignment on, the
/// data. Extents are counted from the innermost on, the other way round than in safetensors.
struct GGUFHeader: Sendable {
    /// The first four bytes.
    static let magic = Array("GGUF".utf8)
    /// What a converter puts before the name of a tensor that it stored in another shape.
    static let originalShapePrefix = "comfy.gguf.orig_shape."
    /// Most tensors of one file; the largest models have a few thousand.
    private static let tensorLimit = 100_000
    /// Most keys.
    private static let keyLimit = 100_000
    /// Longest key, and name of a tensor, in bytes.
    private static let nameLimit = 1024
    /// Most axes of a tensor (ggml's own).
    private static let axisLimit = 4
    /// Of the data, if the file does not say.
    private static let usualAlignment = 32
    private static let largestAlignment = 1 << 16

    /// Where a tensor lies and what it is.
    struct Entry: Sendable {
        let dtype: DType
        let shape: Shape
        /// Counted from the start of the file.
        let offset: Int
    }

    /// What the model is a kind of, such as `qwen_image`; nil if the file does not say.
    let architecture: String?
    let entries: [String: Entry]

    /// Reads the header at the start of a file's bytes.
    init(_ bytes: UnsafeRawBufferPointer) throws(GGUFProblem) {
        guard bytes.starts(with: Self.magic) else { throw .notGGUF }
        var reader = GGUFReader(bytes)
        try reader.skip(Self.magic.count, of: 1)
        try Self.checkVersion(&reader)
        let tensorCount = try reader.count(of: "tensors", limit: Self.tensorLimit)
        let keyCount = try reader.count(of: "keys", limit: Self.keyLimit)
        var values: [String: GGUFValue] = [:]
        for _ in 0..<keyCount {
            let key = try reader.name(limit: Self.nameLimit)
            let value = try GGUFValue.read(&reader, key: key)
            guard values.updateValue(value, forKey: key) == nil else { throw .duplicate(name: key) }
        }
        if case .integer(let parts) = values["split.count"], parts > 1 { throw .split(parts: parts) }
        if case .text(let name) = values["general.architecture"] { architecture = name } else { architecture = nil }
        let alignment = try Self.alignment(values)
        let raw = try Self.readTensors(&reader, count: tensorCount)
        let dataOffset = (reader.offset + alignment - 1) / alignment * alignment
        // Even a tensor without elements has a place in the file.
        guard raw.isEmpty || dataOffset <= bytes.count else { throw .endsEarly(foundBytes: bytes.count) }
        let data = Data(offset: dataOffset, byteCount: bytes.count - dataOffset, alignment: alignment)
        var entries: [String: Entry] = [:]
        for tensor in raw {
            let entry = try data.place(tensor, original: values[Self.originalShapePrefix + tensor.name])
            guard entries.updateValue(entry, forKey: tensor.name) == nil else {
                throw .duplicate(name: tensor.name)
            }
        }
        try Self.checkOverlaps(entries)
        self.entries = entries
    }

    /// A tensor as the header has it, before any value is believed.
    private struct RawTensor {
        let name: String
        /// Outermost first.
        let dimensions: [UInt64]
        let type: UInt32
        let offset: UInt64
    }

    private static func checkVersion(_ reader: inout GGUFReader) throws(GGUFProblem) {
        let version = try reader.number(UInt32.self)
        if version == 2 || version == 3 { return }
        throw (1...3).contains(version.byteSwapped) ? .bigEndian : .unknownVersion(version)
    }

    private static func alignment(_ values: [String: GGUFValue]) throws(GGUFProblem) -> Int {
        guard case .integer(let found) = values["general.alignment"] else { return usualAlignment }
        guard found >= 1, found <= largestAlignment, found & (found - 1) == 0 else {
            throw .wrongAlignment(found: found, limit: largestAlignment)
        }
        return found
    }

    private static func readTensors(
        _ reader: inout GGUFReader, count: Int
    ) throws(GGUFProblem) -> [RawTensor] {
        var tensors: [RawTensor] = []
        for _ in 0..<count {
            let name = try reader.name(limit: nameLimit)
            let axes = try reader.number(UInt32.self)
            guard axes <= UInt32(axisLimit) else {
                throw .tooMany(what: "axes in '\(name.quotable)'", found: UInt64(axes), limit: axisLimit)
            }
            var dimensions: [UInt64] = []
            for _ in 0..<axes { dimensions.insert(try reader.number(UInt64.self), at: 0) }
            tensors.append(
                RawTensor(
                    name: name, dimensions: dimensions, type: try reader.number(UInt32.self),
                    offset: try reader.number(UInt64.self)))
        }
        return tensors
    }

    private static func checkOverlaps(_ entries: [String: Entry]) throws(GGUFProblem) {
        let ranges = entries.map { name, entry in
            (begin: entry.offset, end: entry.offset + entry.dtype.byteCount(of: entry.shape), name: name)
        }.sorted { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
        for (range, next) in zip(ranges, ranges.dropFirst()) where next.begin < range.end {
            throw .overlap(tensor: next.name, other: range.name)
        }
    }

    /// The part of the file that tensors lie in.
    private struct Data {
        let offset: Int
        let byteCount: Int
        let alignment: Int

        /// Checks what the header says of a tensor.
        func place(_ raw: RawTensor, original: GGUFValue?) throws(GGUFProblem) -> Entry {
            guard let dtype = DType(ggufCode: raw.type) else {
                throw .unsupportedType(tensor: raw.name, type: GGUFTypeName.of(raw.type))
            }
            let dimensions = raw.dimensions.compactMap { Int(exactly: $0) }
            guard dimensions.count == raw.dimensions.count, let stored = Shape(checking: dimensions) else {
                throw .shapeTooLarge(tensor: raw.name)
            }
            try Self.checkBlocks(raw.name, dtype, stored)
            let shape = try Self.shape(raw.name, stored, original)
            try Self.checkBlocks(raw.name, dtype, shape)
            guard raw.offset.isMultiple(of: UInt64(alignment)) else {
                throw .misaligned(tensor: raw.name, offset: raw.offset, alignment: alignment)
            }
            let bytes = UInt64(dtype.byteCount(of: shape))
            guard raw.offset <= UInt64(byteCount), bytes <= UInt64(byteCount) - raw.offset else {
                let (end, overflow) = raw.offset.addingReportingOverflow(bytes)
                let (expected, beyond) = end.addingReportingOverflow(UInt64(offset))
                throw .beyondEnd(
                    tensor: raw.name, expectedBytes: overflow || beyond ? .max : expected,
                    foundBytes: offset + byteCount)
            }
            return Entry(dtype: dtype, shape: shape, offset: offset + Int(raw.offset))
        }

        /// The shape that the tensor had before it was stored.
        private static func shape(
            _ name: String, _ stored: Shape, _ original: GGUFValue?
        ) throws(GGUFProblem) -> Shape {
            guard let original else { return stored }
            guard case .integers(let dimensions) = original, let shape = Shape(checking: dimensions),
                shape.elementCount == stored.elementCount
            else { throw .wrongOriginalShape(tensor: name, stored: stored) }
            return shape
        }

        private static func checkBlocks(_ name: String, _ dtype: DType, _ shape: Shape) throws(GGUFProblem) {
            guard let block = dtype.block else { return }
            let columns = shape.dimensions.last ?? 1
            guard columns.isMultiple(of: block.elements) else {
                throw .brokenBlocks(tensor: name, type: dtype, columns: columns)
            }
        }
    }
}
