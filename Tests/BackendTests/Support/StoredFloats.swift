import TensorCore

/// Floats as a checkpoint stores them: rounded to an element type and laid out as bytes, from any byte on.
// @unchecked because the bytes are written in `init` alone.
final class StoredFloats: HostMemory, @unchecked Sendable {
    /// As a mapped file's, the bytes stay at their address; the first is aligned.
    private let bytes: UnsafeMutableRawBufferPointer
    private let shape: Shape
    private let dtype: DType
    private let byteOffset: Int

    /// `byteOffset` bytes precede the first element; an odd number makes every element misaligned.
    convenience init(_ values: [Float], _ shape: Shape, _ dtype: DType, byteOffset: Int = 0) {
        precondition(values.count == shape.elementCount)
        var bytes = [UInt8](repeating: 0xa5, count: byteOffset)
        bytes.reserveCapacity(byteOffset + values.count * dtype.byteCount)
        for value in values {
            switch dtype {
            case .bfloat16: bytes.append(littleEndian: StoredFloats.bfloat16Bits(value))
            case .float16: bytes.append(littleEndian: Float16(value).bitPattern)
            default: bytes.append(littleEndian: value.bitPattern)
            }
        }
        self.init(bytes: bytes, shape, dtype, byteOffset: byteOffset)
    }

    /// A vector of these bit patterns of a 16-bit type.
    convenience init(patterns: [UInt16], _ dtype: DType) {
        var bytes: [UInt8] = []
        for pattern in patterns { bytes.append(littleEndian: pattern) }
        self.init(bytes: bytes, [patterns.count], dtype, byteOffset: 0)
    }

    private init(bytes: [UInt8], _ shape: Shape, _ dtype: DType, byteOffset: Int) {
        self.bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        self.bytes.copyBytes(from: bytes)
        byteCount = bytes.count
        self.shape = shape
        self.dtype = dtype
        self.byteOffset = byteOffset
    }

    deinit {
        bytes.deallocate()
    }

    let byteCount: Int

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<byteCount]))
    }

    /// The tensor that a checkpoint's reader would make of it.
    var tensor: HostTensor {
        HostTensor(memory: self, byteOffset: byteOffset, shape: shape, dtype: dtype)
    }

    /// The value that is left of `value` in an element type; widening it again is exact.
    static func round(_ value: Float, to dtype: DType) -> Float {
        switch dtype {
        case .bfloat16: Float(bitPattern: UInt32(bfloat16Bits(value)) << 16)
        case .float16: Float(Float16(value))
        default: value
        }
    }

    /// Round to nearest, ties to even, of a finite value.
    private static func bfloat16Bits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
