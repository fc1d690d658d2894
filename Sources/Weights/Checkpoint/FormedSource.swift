import TensorCore

/// A source whose blocks' large matrices are asked to be held in a form: backends convert them while they are loaded.
/// Everything else is as it was.
public struct FormedSource: TensorSource {
    private let base: any TensorSource
    /// What the matrices are asked to be held in; nil for as they are.
    public let weightForm: WeightForm?

    /// Takes the place of a form that `base` has.
    public init(_ base: any TensorSource, form: WeightForm?) {
        self.base = base
        weightForm = form
    }

    /// The source's own, as all that follows.
    public var location: String { base.location }
    public var names: [String] { base.names }
    public var headerTexts: [[String: String]] { base.headerTexts }
    public var mappings: [any HostMemory] { base.mappings }

    public func contains(_ name: String) -> Bool { base.contains(name) }

    public func adapters(of layer: String) -> [LayerAdapter] { base.adapters(of: layer) }

    public func tensor(named name: String) throws(WeightsError) -> HostTensor { try base.tensor(named: name) }

    public func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        try base.tensor(named: name, shape: shape)
    }

    public func blockMatrix(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        try base.blockMatrix(named: name, shape: shape)
    }
}
