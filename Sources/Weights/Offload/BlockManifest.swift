import Synchronization
import TensorCore

/// The tensors that a block asks for, and where they lie in staged memory, one behind another.
///
/// Found by loading the block on a backend without data: whatever form the checkpoint stores a weight in, that form is
/// what is moved.
struct BlockManifest: Sendable {
    struct Part: Sendable {
        let name: String
        let tensor: HostTensor
        /// In staged memory, in bytes.
        let offset: Int
        /// True for the scales of the quantised matrix `name`.
        var isScales = false
    }

    /// Tensors that are not mapped begin at a multiple of this in staged memory: a cache line. Mapped ones lie towards
    /// a page as they do in the file, for reads past the system's cache.
    private static let alignment = 64

    let parts: [Part]
    /// Bytes of the tensors.
    let payloadBytes: Int
    /// Bytes of staged memory.
    let stagedBytes: Int

    /// Notes what `load` asks of a source.
    init(_ source: any TensorSource, _ load: (any TensorSource) throws(WeightsError) -> Void) throws(WeightsError) {
        let recording = RecordingSource(base: source)
        try load(recording)
        var parts: [Part] = []
        var offset = 0
        for (name, tensor) in recording.asked {
            if tensor.memory is MappedFile {
                let page = MappedFile.directAlignment
                // From here to the next place with the phase that the tensor has in its file.
                offset += ((tensor.byteOffset - offset) % page + page) % page
            }
            parts.append(Part(name: name, tensor: tensor, offset: offset))
            offset += (tensor.byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
            guard let scales = tensor.quantization?.scales else { continue }
            parts.append(Part(name: name, tensor: scales, offset: offset, isScales: true))
            offset += (scales.byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        }
        self.parts = parts
        payloadBytes = parts.reduce(0) { $0 + $1.tensor.byteCount }
        stagedBytes = max(offset, Self.alignment)
    }

    /// Has the system read the tensors ahead, where they are mapped; a rehearsal does not.
    func readAhead(for backend: any Backend) {
        guard backend.holdsData else { return }
        for part in parts { (part.tensor.memory as? MappedFile)?.readAhead(part.range) }
    }

    /// Gives back the pages of the tensors, where they are mapped; a rehearsal notes that it would.
    func giveBack(after backend: any Backend) {
        for part in parts { part.tensor.giveBackPages(after: backend) }
    }

    /// Reads the tensors into staged memory; false if `isStopped` said so before the end.
    ///
    /// - Parameter isDirect: past the system's cache.
    func read(
        into memory: any StagingMemory, isDirect: Bool, isStopped: () -> Bool = { false }
    ) throws(WeightsError) -> Bool {
        guard memory.holdsData else { return true }
        return try memory.withUnsafeMutableBytes { (bytes) throws(WeightsError) in
            for part in parts {
                for start in stride(from: 0, to: part.tensor.byteCount, by: MappedFile.pieceBytes) {
                    if isStopped() { return false }
                    let count = min(MappedFile.pieceBytes, part.tensor.byteCount - start)
                    let place = (part.offset + start)..<(part.offset + start + count)
                    let target = UnsafeMutableRawBufferPointer(rebasing: bytes[place])
                    try part.read(start, into: target, isDirect: isDirect)
                }
            }
            return true
        }
    }
}

extension BlockManifest.Part {
    /// In the tensor's memory.
    fileprivate var range: Range<Int> { tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount) }

    /// Bytes from `start` of the tensor, as many as there is room for.
    fileprivate func read(
        _ start: Int, into target: UnsafeMutableRawBufferPointer, isDirect: Bool
    ) throws(WeightsError) {
        let first = tensor.byteOffset + start
        if let file = tensor.memory as? MappedFile {
            try file.read(first..<(first + target.count), into: target, isDirect: isDirect)
        } else {
            tensor.memory.withUnsafeBytes { bytes in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[first..<(first + target.count)]))
            }
        }
    }
}

/// Passes a source's tensors on and notes which were asked for, each once.
private final class RecordingSource: TensorSource {
    private let base: any TensorSource
    private let notes = Mutex<[(name: String, tensor: HostTensor)]>([])

    init(base: any TensorSource) {
        self.base = base
    }

    var location: String { base.location }
    var names: [String] { base.names }
    var asked: [(name: String, tensor: HostTensor)] { notes.withLock { $0 } }

    func contains(_ name: String) -> Bool { base.contains(name) }

    func adapters(of layer: String) -> [LayerAdapter] { base.adapters(of: layer) }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        let tensor = try base.tensor(named: name)
        note(name, tensor)
        return tensor
    }

    func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        let tensor = try base.tensor(named: name, shape: shape)
        note(name, tensor)
        return tensor
    }

    private func note(_ name: String, _ tensor: HostTensor) {
        notes.withLock { notes in
            if !notes.contains(where: { $0.name == name }) { notes.append((name, tensor)) }
        }
    }
}

/// A source whose staged tensors are given from there, all others from where they were.
struct StagedSource: TensorSource {
    private let base: any TensorSource
    private let staged: [String: HostTensor]

    init(base: any TensorSource, manifest: BlockManifest, memory: any StagingMemory) {
        self.base = base
        func moved(_ part: BlockManifest.Part, _ quantization: Quantization? = nil) -> HostTensor {
            HostTensor(
                memory: memory, byteOffset: part.offset, shape: part.tensor.shape, dtype: part.tensor.dtype,
                quantization: quantization)
        }
        let scales = Dictionary(
            uniqueKeysWithValues: manifest.parts.filter(\.isScales).map { ($0.name, moved($0)) })
        staged = Dictionary(
            uniqueKeysWithValues: manifest.parts.filter { !$0.isScales }.map { part in
                let quantization = scales[part.name].map {
                    Quantization(scales: $0, rotation: part.tensor.quantization?.rotation)
                }
                return (part.name, moved(part, quantization))
            })
    }

    var location: String { base.location }
    var names: [String] { base.names }

    func contains(_ name: String) -> Bool { base.contains(name) }

    func adapters(of layer: String) -> [LayerAdapter] { base.adapters(of: layer) }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        if let tensor = staged[name] { return tensor }
        return try base.tensor(named: name)
    }
}
