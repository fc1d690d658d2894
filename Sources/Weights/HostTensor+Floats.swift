import TensorCore

extension HostTensor {
    /// The elements as float32, row-major, in memory of their own: for small tensors, such as given latents and tests.
    ///
    /// float32 is copied; bfloat16 and float16 are widened, which is exact.
    /// - Throws: `unsupportedDType` for every other type.
    public func floats() throws(TensorError) -> [Float] {
        guard dtype == .float32 || dtype == .bfloat16 || dtype == .float16 else {
            throw .unsupportedDType(operation: "widening to float32", dtype: dtype)
        }
        let count = shape.elementCount
        return memory.withUnsafeBytes { bytes in
            // Any alignment: a header may have any length.
            let source = UnsafeRawBufferPointer(rebasing: bytes[byteOffset..<(byteOffset + byteCount)])
            return [Float](unsafeUninitializedCapacity: count) { target, initializedCount in
                switch dtype {
                case .bfloat16:
                    for index in 0..<count {
                        let bits = source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                        target[index] = Float(bitPattern: UInt32(bits) << 16)
                    }
                case .float16:
                    for index in 0..<count {
                        let bits = source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                        target[index] = Float(float16Bits: bits)
                    }
                default:
                    UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
                }
                initializedCount = count
            }
        }
    }
}

extension Float {
    /// The value of an IEEE 754 binary16, by shifts and one multiplication: no call per element, and it vectorises.
    @inline(__always)
    fileprivate init(float16Bits bits: UInt16) {
        let magnitude = UInt32(bits & 0x7FFF) << 13
        // Times 2^112 moves the exponent from binary16's bias to binary32's, and makes subnormals normal on the way.
        let scaled = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
        let exponent: UInt32 = magnitude >= 0x0F80_0000 ? 0x7F80_0000 : 0
        self = Float(bitPattern: scaled | exponent | UInt32(bits & 0x8000) << 16)
    }
}
