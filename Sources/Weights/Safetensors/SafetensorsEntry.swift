import TensorCore

/// A tensor that a file is going to hold.
public struct SafetensorsEntry: Sendable, Hashable {
    /// As the file spells it.
    public let name: String
    /// Of its elements.
    public let dtype: DType
    /// Any; [] for a scalar.
    public let shape: Shape

    /// An entry of these parts.
    public init(name: String, dtype: DType, shape: Shape) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
    }

    /// Bytes of the elements.
    public var byteCount: Int { shape.elementCount * dtype.byteCount }
}
