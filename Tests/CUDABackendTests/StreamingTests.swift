import CUDABackend
import TensorCore
import Testing

/// Weights that come block by block while others are computed with, by the clock of the emulated device, which all of a
/// process move: in one of its own.
@Suite(.enabled(if: TestDevice.emulatedClock != nil, "no emulated device"))
struct StreamingTests {
    private static let side = 1024
    /// Of a block: matrices of 2 MiB in bfloat16, each with a bias, as the transformer's have them.
    private static let matrixCount = 4
    private static let blocks = 24

    /// Copies of one block take about as long as the arithmetic of another: together they take what one of them takes,
    /// not the sum, with a budget for a few blocks and with activations of a matrix's size. Nor does the driver have to
    /// find memory any more once a few blocks went by.
    @Test func copiesHideBehindArithmetic() async throws {
        await #expect(processExitsWith: .success) {
            for limitMiB in [28, 64] { try StreamingTests.checkCopiesHide(limitMiB) }
        }
    }

    private static func checkCopiesHide(_ limitMiB: Int) throws {
        let clock = try #require(TestDevice.emulatedClock)
        let backend = try TestDevice.backend {
            $0.limitBytes = limitMiB << 20
            $0.narrowElements = .max
        }
        // Large enough to be registered, as files are.
        let memory = HalfMemory(count: 32 << 20)
        let kept = try matrices(memory, on: backend)
        func time(copies: Bool, arithmetic: Bool) throws -> Double {
            let start = clock()
            for _ in 0..<blocks {
                let matrices = copies ? try matrices(memory, on: backend) : kept
                if arithmetic { try compute(with: matrices, memory, on: backend) }
            }
            return clock() - start
        }
        // The kernels are compiled, the pool is filled.
        _ = try time(copies: true, arithmetic: true)
        let copies = try time(copies: true, arithmetic: false)
        let arithmetic = try time(copies: false, arithmetic: true)
        _ = try time(copies: true, arithmetic: true)
        let both = try time(copies: true, arithmetic: true)
        #expect(copies > 0.5 * arithmetic && arithmetic > 0.5 * copies, "\(copies) and \(arithmetic) us")
        #expect(both < 1.2 * max(copies, arithmetic), "\(copies) and \(arithmetic) us alone, \(both) us together")
        #expect(backend.memory.peakBytes <= limitMiB << 20)
    }

    private static func matrices(_ memory: HalfMemory, on backend: CUDABackend) throws -> [Tensor] {
        try (0..<matrixCount).map { _ in try backend.weight(memory.tensor([side, side])) }
    }

    /// Some kernels that read each matrix, a bias that comes with it, and activations of its size that come and go.
    private static func compute(with matrices: [Tensor], _ memory: HalfMemory, on backend: CUDABackend) throws {
        for matrix in matrices {
            let bias = try backend.parameter(memory.tensor([side]))
            let large = try backend.allocate([512, side], .float32)
            try backend.accumulate(large.rows(0..<1), try backend.gatherRows(matrix, [0]))
            try backend.accumulate(large.rows(1..<2), bias.reshaped([1, side]))
        }
    }
}

/// Ones in bfloat16, in host memory.
// @unchecked because the values are written in `init` alone.
private final class HalfMemory: HostMemory, @unchecked Sendable {
    private let values: [UInt16]

    init(count: Int) {
        values = [UInt16](repeating: 0x3f80, count: count)
    }

    var byteCount: Int { values.count * 2 }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var result: Swift.Result<Result, Failure>?
        values.withUnsafeBytes { bytes in
            do throws(Failure) { result = .success(try body(bytes)) } catch { result = .failure(error) }
        }
        guard let result else { preconditionFailure("no bytes") }
        return try result.get()
    }

    func tensor(_ shape: Shape) -> HostTensor {
        HostTensor(memory: self, byteOffset: 0, shape: shape, dtype: .bfloat16)
    }
}
