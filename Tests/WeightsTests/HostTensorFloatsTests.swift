import TensorCore
import Testing
import Weights

@Suite struct HostTensorFloatsTests {
    /// Values with their signs, limits, subnormals, infinities and NaN, against what torch widens them to.
    @Test(arguments: ["float16", "bfloat16"])
    func equalsTorch(_ name: String) throws {
        let file = try SafetensorsFile(file: fixture("all_dtypes.safetensors"))
        let found = try file.tensor(named: name).floats()
        let expected = try file.tensor(named: "\(name).widened").floats()
        #expect(found.count == 14)
        #expect(found.contains { $0.isNaN } && found.contains(.infinity))
        #expect(found.contains { $0 != 0 && $0.magnitude < 1e-6 })
        for (found, expected) in zip(found, expected) {
            // A NaN's payload is torch's own affair.
            let isEqual = expected.isNaN ? found.isNaN : found.bitPattern == expected.bitPattern
            #expect(isEqual, "\(found) instead of \(expected)")
        }
    }

    @Test func everyFloat16() throws {
        let bits = (0...UInt16.max).map { $0 }
        let found = try tensor(bits, .float16).floats()
        let wrong = zip(bits, found).filter { bits, found in
            let expected = Float(Float16(bitPattern: bits))
            return expected.isNaN ? !found.isNaN : found.bitPattern != expected.bitPattern
        }
        #expect(wrong.isEmpty)
    }

    @Test func everyBFloat16() throws {
        let bits = (0...UInt16.max).map { $0 }
        let found = try tensor(bits, .bfloat16).floats()
        #expect(zip(bits, found).allSatisfy { $1.bitPattern == UInt32($0) << 16 })
    }

    @Test(arguments: DType.allCases.filter { !$0.isWeightType })
    func otherTypesAreRefused(_ dtype: DType) throws {
        #expect(throws: TensorError.self) { try tensor([0, 0, 0, 0], dtype, count: 1).floats() }
    }

    private func tensor(_ bits: [UInt16], _ dtype: DType, count: Int? = nil) throws -> HostTensor {
        let bytes = bits.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        // One byte in, so that nothing is aligned.
        return HostTensor(memory: ByteArray([0] + bytes), byteOffset: 1, shape: [count ?? bits.count], dtype: dtype)
    }
}

/// Host memory of a test.
final class ByteArray: HostMemory {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var byteCount: Int { bytes.count }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The array's own method does not carry the error's type.
        let result = bytes.withUnsafeBytes { buffer in
            Swift.Result { () throws(Failure) in try body(buffer) }
        }
        return try result.get()
    }
}
