/// Memory that a backend owns; only the backend that made it looks inside.
public protocol TensorStorage: AnyObject, Sendable {
    /// Bytes that it holds.
    var byteCount: Int { get }
    /// `Backend.name` of the backend that made it.
    var deviceName: String { get }
}

/// A view of storage: contiguous, row-major.
///
/// A tensor is a value; copies share the storage, which is freed
/// (or goes back to the backend's pool) with the last of them.
public struct Tensor: Sendable {
    /// What it is a view of, how it reads it, and what its elements are.
    public let storage: any TensorStorage
    public let shape: Shape
    public let dtype: DType
    /// Index of the first element in the storage, in elements.
    public let offset: Int

    /// Wraps storage; called by backends.
    public init(storage: any TensorStorage, shape: Shape, dtype: DType, offset: Int = 0) {
        precondition(
            ((offset + shape.elementCount) * dtype.bitCount + 7) / 8 <= storage.byteCount,
            "a tensor \(shape) at \(offset) exceeds its storage of \(storage.byteCount) bytes")
        self.storage = storage
        self.shape = shape
        self.dtype = dtype
        self.offset = offset
    }

    /// Number of elements.
    public var elementCount: Int { shape.elementCount }

    /// Bytes of the elements.
    public var byteCount: Int { dtype.byteCount(of: shape) }

    /// The rows `range` of the first axis, sharing the storage.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= shape[0], "rows \(range) of \(shape)")
        return Tensor(
            storage: storage, shape: Shape([range.count] + shape.dimensions.dropFirst()), dtype: dtype,
            offset: offset + range.lowerBound * shape.rowElementCount)
    }

    /// Row `index` of the first axis, without that axis, sharing the storage.
    public func row(_ index: Int) -> Tensor {
        rows(index..<(index + 1)).reshaped(Shape(Array(shape.dimensions.dropFirst())))
    }

    /// The same elements under another shape.
    public func reshaped(_ shape: Shape) -> Tensor {
        precondition(shape.elementCount == elementCount, "reshape \(self.shape) to \(shape)")
        return Tensor(storage: storage, shape: shape, dtype: dtype, offset: offset)
    }
}
