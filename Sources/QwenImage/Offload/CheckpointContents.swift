import Synchronization
import TensorCore
import Weights

/// The tensors of a model's components, as the published checkpoint names and shapes them; what synthetic checkpoints
/// are made of.
package enum CheckpointContents {
    /// Found by loading each component on a backend without data; `dtype` for all.
    ///
    /// Throws what a configuration that cannot be run throws.
    package static func entries(
        transformer configuration: TransformerConfiguration, dtype: DType
    ) throws(WeightsError) -> [SafetensorsEntry] {
        let source = AskedSource(dtype: dtype)
        try QwenImageTransformer2DModel(configuration: configuration, source: source, backend: Meter()).loadAll()
        return source.entries
    }

    /// As the other, of the autoencoder.
    package static func entries(
        autoencoder configuration: AutoencoderConfiguration, dtype: DType
    ) throws(WeightsError) -> [SafetensorsEntry] {
        let source = AskedSource(dtype: dtype)
        try AutoencoderKLQwenImage(configuration: configuration, source: source, backend: Meter()).load()
        return source.entries
    }

    /// As the other, of the text encoder with its vision tower and head.
    package static func entries(
        textEncoder configuration: Qwen25VLConfiguration, dtype: DType
    ) throws(WeightsError) -> [SafetensorsEntry] {
        let source = AskedSource(dtype: dtype)
        try Qwen25VLTextEncoder.loadAll(configuration, source: source, captioner: true)
        return source.entries
    }
}

/// Has every tensor in whatever shape is asked for, and notes what was.
private final class AskedSource: TensorSource {
    let location = "a synthetic checkpoint"
    private let dtype: DType
    private let notes = Mutex<[(name: String, shape: Shape)]>([])

    init(dtype: DType) {
        self.dtype = dtype
    }

    /// In the order in which they were asked for, each once.
    var entries: [SafetensorsEntry] {
        notes.withLock { $0.map { SafetensorsEntry(name: $0.name, dtype: dtype, shape: $0.shape) } }
    }

    var names: [String] { entries.map(\.name).sorted() }

    /// Asked about spellings that newer checkpoints have; the published one has the older.
    func contains(_ name: String) -> Bool { false }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        throw .tensorMissing(tensor: name, file: location)
    }

    func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        notes.withLock { notes in
            if !notes.contains(where: { $0.name == name }) { notes.append((name, shape)) }
        }
        return HostTensor(memory: Nothing(), byteOffset: 0, shape: shape, dtype: dtype)
    }
}

/// Memory of a size that no one looks into.
private final class Nothing: HostMemory {
    let byteCount = Int.max / 4

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        preconditionFailure("a backend without data looked at a weight")
    }
}
