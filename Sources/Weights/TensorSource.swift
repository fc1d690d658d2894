import TensorCore

/// Something that gives tensors by the names of a checkpoint.
///
/// Giving a tensor is cheap: it is a view, and its bytes are read when they are used.
public protocol TensorSource: Sendable {
    /// What messages call the source: a file, or a component's folder.
    var location: String { get }
    /// All names, sorted.
    var names: [String] { get }
    /// The texts in the headers of its files, a dictionary a file.
    var headerTexts: [[String: String]] { get }
    /// True if there is a tensor of this name.
    func contains(_ name: String) -> Bool
    /// The tensor as the source has it. Throws `tensorMissing`.
    func tensor(named name: String) throws(WeightsError) -> HostTensor
    /// The tensor, which must have this shape. Throws `tensorMissing` or `wrongShape`.
    func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor
    /// The same, asked for as a large matrix of a block, which may be held in fewer bits.
    func blockMatrix(named name: String, shape: Shape) throws(WeightsError) -> HostTensor
    /// What such matrices are asked to be held in; nil for as they are.
    var weightForm: WeightForm? { get }
    /// The files that it maps.
    var mappings: [any HostMemory] { get }
    /// What LoRAs add to the weight of a linear layer, given by the layer's place.
    func adapters(of layer: String) -> [LayerAdapter]
}

extension TensorSource {
    /// As any other tensor.
    public func blockMatrix(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        try tensor(named: name, shape: shape)
    }

    /// As they are.
    public var weightForm: WeightForm? { nil }

    /// None.
    public func adapters(of layer: String) -> [LayerAdapter] { [] }

    /// No texts.
    public var headerTexts: [[String: String]] { [] }

    /// None, for a source without a mapping.
    public var mappings: [any HostMemory] { [] }

    /// Gives back the memory of pages that were touched for `backend`; they are read again when they are needed. A
    /// rehearsal notes that it would, and leaves them.
    public func giveBackPages(after backend: any Backend) {
        for mapping in mappings {
            if backend.holdsData {
                (mapping as? MappedFile)?.giveBack(0..<mapping.byteCount)
            } else {
                (backend as? Meter)?.giveBackPages(of: mapping)
            }
        }
    }

    /// The tensor, its shape compared with `shape`. Throws `tensorMissing` or `wrongShape`.
    public func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        let tensor = try tensor(named: name)
        guard tensor.shape == shape else {
            throw .wrongShape(tensor: name, file: location, expected: shape, found: tensor.shape)
        }
        return tensor
    }
}
