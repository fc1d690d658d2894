import TensorCore

/// A tensor that a file is going to hold.
public struct SafetensorsEntry: Sendable, Hashable {
    public let name: String
    public let dtype: DType
    public let shape: Shape

    public init(name: String, dtype: DType, shape: Shape) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
    }

    /// Bytes of the elements.
    public var byteCount: Int { shape.elementCount * dtype.byteCount }
}
