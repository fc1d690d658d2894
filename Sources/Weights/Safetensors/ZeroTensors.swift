import Glibc
import TensorCore

/// Tensors that a file names without storing them, because all of their elements are zero.
///
/// An extension of the safetensors format: the text `mica.zeros` under `__metadata__` is a JSON object that gives each
/// such tensor's shape under its name, `{"txt_in.weight": [384, 64]}`; their elements are bfloat16. A model that reads
/// no prompt is half as large without its text stream. `tools/seedling/expand.py` writes the zeros out, for programs
/// that do not know the key.
struct ZeroTensors: Sendable {
    /// The key of the text.
    static let metadataKey = "mica.zeros"
    /// What the elements are.
    static let dtype = DType.bfloat16
    /// Most bytes of one tensor: those of the largest matrix of a full-size text encoder's layer.
    static let limitBytes = 1 << 28

    let shapes: [String: Shape]
    private let memory: ZeroPages

    /// Reads the text; nil stands for an empty object.
    ///
    /// - Parameter stored: the names that the file stores, none of which may be named again.
    init(json: String?, stored: (String) -> Bool) throws(HeaderProblem) {
        let shapes: [String: Shape]
        do throws(JSONProblem) {
            shapes = try json.map { text throws(JSONProblem) in try Self.read(text) } ?? [:]
        } catch {
            throw .json(error)
        }
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            let bytes = shape.elementCount * Self.dtype.byteCount
            guard bytes <= Self.limitBytes else {
                throw .zerosTooLarge(tensor: name, foundBytes: bytes, limitBytes: Self.limitBytes)
            }
            guard !stored(name) else { throw .storedAndZero(tensor: name) }
        }
        self.shapes = shapes
        memory = ZeroPages(byteCount: shapes.values.map { $0.elementCount * Self.dtype.byteCount }.max() ?? 0)
    }

    /// The tensor; nil if the file names none so.
    func tensor(named name: String) -> HostTensor? {
        shapes[name].map { HostTensor(memory: memory, byteOffset: 0, shape: $0, dtype: Self.dtype) }
    }

    private static func read(_ text: String) throws(JSONProblem) -> [String: Shape] {
        var reader = JSONReader(Array(text.utf8), limits: .init(members: SafetensorsHeader.tensorLimit))
        var shapes: [String: Shape] = [:]
        var object = try reader.beginObject()
        while let name = try reader.nextKey(of: &object) {
            let dimensions = try reader.readIntegers(atMost: SafetensorsHeader.axisLimit)
            // A size that cannot be counted is refused as one that is too large.
            shapes[name] = Shape(checking: dimensions) ?? [limitBytes]
        }
        try reader.finish()
        return shapes
    }
}

/// Bytes that are zero and take no memory: reading them shows the system's one page of zeros.
// @unchecked because the pointer refers to read-only pages that nothing changes or unmaps before deinit.
private final class ZeroPages: HostMemory, @unchecked Sendable {
    let byteCount: Int
    private let address: UnsafeMutableRawPointer

    init(byteCount: Int) {
        self.byteCount = byteCount
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let address = mmap(nil, max(1, byteCount), PROT_READ, flags, -1, 0), address != MAP_FAILED else {
            preconditionFailure("no address space for \(byteCount) zeros")
        }
        self.address = address
    }

    deinit {
        munmap(address, max(1, byteCount))
    }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: address, count: byteCount))
    }
}
