import TensorCore

/// A place in a checkpoint's tree of names, from which layers are brought to a backend.
///
/// `scope["transformer_blocks"][3]["attn"]["to_q"].linear(...)` asks for `transformer_blocks.3.attn.to_q.weight` and
/// `.bias`. Every getter throws `tensorMissing`, `wrongShape`, `unsupportedDType`, or what the backend throws as
/// `WeightsError.tensor`.
public struct WeightScope: Sendable {
    /// The names from the root to here, joined by dots; empty at the root.
    public let path: String
    /// Where the tensors come from, and where they go.
    public let source: any TensorSource
    public let backend: any Backend
    /// What blocks' large matrices are held in: the root's, whatever source takes its place.
    private let form: WeightForm?

    /// The root of a source's names; tensors go to `backend`.
    public init(source: any TensorSource, backend: any Backend) {
        self.init(path: "", source: source, backend: backend, form: source.weightForm)
    }

    private init(path: String, source: any TensorSource, backend: any Backend, form: WeightForm?) {
        self.path = path
        self.source = source
        self.backend = backend
        self.form = form
    }

    /// The place `name` below this one; `name` may have dots.
    public subscript(name: String) -> WeightScope {
        WeightScope(path: fullName(name), source: source, backend: backend, form: form)
    }

    /// The place of an element of a list of modules.
    public subscript(index: Int) -> WeightScope {
        self[String(index)]
    }

    /// The same place, its tensors taken to another backend, or from another source.
    public func redirected(to backend: any Backend, from source: any TensorSource) -> WeightScope {
        WeightScope(path: path, source: source, backend: backend, form: form)
    }

    /// True if the source has the tensor `name` below this place.
    public func contains(_ name: String) -> Bool {
        source.contains(fullName(name))
    }

    // MARK: Layers

    /// A linear layer: `weight` [out, in] in the checkpoint's own type, `bias` [out] as float32 if asked for, with what
    /// the source's LoRAs add to it.
    ///
    /// - Parameters:
    ///   - storedShape: how the checkpoint shapes the weight if not as a matrix, such as [out, in, 1, 1].
    ///   - isBlockWeight: true for the large matrices inside of blocks, see `Backend.blockWeight`.
    public func linear(
        inFeatures: Int, outFeatures: Int, bias: Bool = true, storedShape: Shape? = nil, isBlockWeight: Bool = false
    ) throws(WeightsError) -> Linear {
        let stored = try weightTensor(
            "weight", shape: storedShape ?? [outFeatures, inFeatures], isBlockWeight: isBlockWeight)
        return Linear(
            weight: try bring(stored.reshaped([outFeatures, inFeatures]), "weight") { (tensor) throws(TensorError) in
                isBlockWeight ? try backend.blockWeight(tensor, as: form) : try backend.weight(tensor)
            },
            bias: bias ? try vector("bias", outFeatures) : nil,
            adapters: try adapters(inFeatures: inFeatures, outFeatures: outFeatures))
    }

    private func adapters(inFeatures: Int, outFeatures: Int) throws(WeightsError) -> [LowRank] {
        var adapters: [LowRank] = []
        for adapter in source.adapters(of: path) {
            adapters.append(
                LowRank(
                    down: try matrix(adapter.down, rows: adapter.rank, columns: inFeatures),
                    up: try matrix(adapter.up, rows: outFeatures, columns: adapter.rank), scale: adapter.scale))
        }
        return adapters
    }

    /// A convolution: `weight` [out, in, k, k], or [out, in, t, k, k] with a temporal kernel t, laid out by the
    /// backend; `bias` [out]. Since that is a copy, the checkpoint's pages are given back.
    ///
    /// Of a temporal kernel, a checkpoint for single frames may store the last slice alone, [out, in, 1, k, k]: the
    /// frame has zeros before it, which the other slices meet.
    public func convolution(
        inChannels: Int, outChannels: Int, kernel: Int, temporalKernel: Int? = nil
    ) throws(WeightsError) -> Convolution {
        func shape(depth: Int?) -> Shape {
            Shape([outChannels, inChannels] + (depth.map { [$0] } ?? []) + [kernel, kernel])
        }
        let last = shape(depth: 1)
        let isSlice = temporalKernel != nil && (try? source.tensor(named: fullName("weight")))?.shape == last
        let stored = try weightTensor("weight", shape: isSlice ? last : shape(depth: temporalKernel))
        let weight = try bring(stored, "weight", backend.convolutionWeight)
        stored.giveBackPages(after: backend)
        return Convolution(weight: weight, bias: try vector("bias", outChannels))
    }

    // MARK: Tensors

    /// A vector [count] as float32.
    public func vector(_ name: String, _ count: Int) throws(WeightsError) -> Tensor {
        try vector(name, shape: [count])
    }

    /// A tensor that the checkpoint stores as `shape` (a norm's gamma as [C, 1, 1]) as a vector of all its elements,
    /// float32.
    public func vector(_ name: String, shape: Shape) throws(WeightsError) -> Tensor {
        let stored = try weightTensor(name, shape: shape)
        return try bring(stored.reshaped([shape.elementCount]), name, backend.parameter)
    }

    /// A matrix or table [rows, columns] in the checkpoint's own type.
    public func matrix(_ name: String, rows: Int, columns: Int) throws(WeightsError) -> Tensor {
        try matrix(name, shape: [rows, columns])
    }

    /// A tensor that the checkpoint stores as `shape`, as a matrix of the first axis by all others, in the checkpoint's
    /// own type.
    public func matrix(_ name: String, shape: Shape) throws(WeightsError) -> Tensor {
        precondition(shape.rank >= 1, "a matrix needs an axis: \(fullName(name))")
        let stored = try weightTensor(name, shape: shape)
        return try bring(stored.reshaped([shape[0], shape.rowElementCount]), name, backend.weight)
    }

    /// A table [rows, columns] that stays in the checkpoint; see `Backend.rows`. Its type is one that the engine
    /// computes with.
    public func table(_ name: String, rows: Int, columns: Int) throws(WeightsError) -> HostTensor {
        try weightTensor(name, shape: [rows, columns])
    }

    /// The tensor as the checkpoint has it, of any type, where it is.
    public func tensor(_ name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        try source.tensor(named: fullName(name), shape: shape)
    }

    // MARK: Steps

    private func fullName(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    /// The tensor, of a type that the engine computes with.
    private func weightTensor(
        _ name: String, shape: Shape, isBlockWeight: Bool = false
    ) throws(WeightsError) -> HostTensor {
        let tensor =
            isBlockWeight
            ? try source.blockMatrix(named: fullName(name), shape: shape) : try tensor(name, shape: shape)
        guard tensor.isWeight else {
            throw .unsupportedDType(tensor: fullName(name), file: source.location, dtype: tensor.dtype)
        }
        return tensor
    }

    private func bring(
        _ tensor: HostTensor, _ name: String, _ transfer: (HostTensor) throws(TensorError) -> Tensor
    ) throws(WeightsError) -> Tensor {
        do throws(TensorError) {
            return try transfer(tensor)
        } catch {
            switch error {
            case .scaleNotFinite(let index):
                throw .quantization(
                    tensor: fullName(name), file: source.location, problem: .scaleNotFinite(index: index))
            case .valueNotFinite:
                throw .conversion(tensor: fullName(name), file: source.location, problem: error)
            default: throw .tensor(error)
            }
        }
    }
}
