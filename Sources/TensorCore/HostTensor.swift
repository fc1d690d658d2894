/// Read-only bytes in host memory that stay valid and unchanged as long as the object lives: a mapped file, an array.
public protocol HostMemory: AnyObject, Sendable {
    /// Bytes in all.
    var byteCount: Int { get }
    /// True for bytes that come from storage when they are touched and take memory from then on (a mapped file); false
    /// for bytes that are in memory.
    var isMapped: Bool { get }
    /// Lends the bytes; the pointer must not leave the closure unless the caller keeps the object alive.
    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

extension HostMemory {
    /// In memory, unless the type says otherwise.
    public var isMapped: Bool { false }
}

/// Host memory of a backend's own, which is filled with a block's weights and lent to it as a checkpoint's is.
///
/// It counts where the backend's limit says, and goes back (to be used for the next block) with the last reference. A
/// backend that copies from it after `weight` has returned keeps a reference until the copy is done.
public protocol StagingMemory: HostMemory {
    /// False on a backend without data, where nothing is to be written.
    var holdsData: Bool { get }
    /// Lends the bytes for writing; the pointer must not leave the closure.
    func withUnsafeMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

/// A tensor as a checkpoint holds it: a range of host bytes with a shape and an element type.
public struct HostTensor: Sendable {
    public let memory: any HostMemory
    /// Where the first element starts, in bytes; any alignment.
    public let byteOffset: Int
    public let shape: Shape
    public let dtype: DType
    /// What makes values of a matrix's elements; nil if the elements are the values.
    public let quantization: Quantization?

    /// Wraps a range of host bytes that is known to lie inside `memory`.
    public init(
        memory: any HostMemory, byteOffset: Int, shape: Shape, dtype: DType,
        quantization: Quantization? = nil
    ) {
        precondition(byteOffset >= 0 && byteOffset + dtype.byteCount(of: shape) <= memory.byteCount)
        precondition(
            quantization == nil || quantization?.fits(shape, dtype) == true, "scales of another matrix")
        self.memory = memory
        self.byteOffset = byteOffset
        self.shape = shape
        self.dtype = dtype
        self.quantization = quantization
    }

    /// Bytes of the elements.
    public var byteCount: Int { dtype.byteCount(of: shape) }

    /// Bytes of the elements and of their scales.
    public var storedByteCount: Int { byteCount + (quantization?.scales.byteCount ?? 0) }

    /// True if a backend can take it as a weight: the elements are values, or it is known what makes values of them.
    public var isWeight: Bool { dtype.isWeightType || quantization != nil }

    /// The rows `range` of the first axis, sharing the bytes.
    public func rows(_ range: Range<Int>) -> HostTensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= shape[0])
        let rowShape = Shape([1] + shape.dimensions.dropFirst())
        return HostTensor(
            memory: memory, byteOffset: byteOffset + range.lowerBound * dtype.byteCount(of: rowShape),
            shape: Shape([range.count] + shape.dimensions.dropFirst()), dtype: dtype,
            quantization: quantization?.rows(range))
    }

    /// The same bytes under another shape; a quantised matrix stays one with as many rows.
    public func reshaped(_ shape: Shape) -> HostTensor {
        precondition(shape.elementCount == self.shape.elementCount)
        return HostTensor(
            memory: memory, byteOffset: byteOffset, shape: shape, dtype: dtype, quantization: quantization
        )
    }
}
