import CUDABackend
import TensorCore
import Testing

/// Weights that come block by block while others are computed with, by the clock of the emulated device.
@Suite(.serialized, .enabled(if: TestDevice.emulatedClock != nil, "no emulated device"))
struct StreamingTests {
    private static let side = 1024
    /// Of a block: matrices of 2 MiB in bfloat16, each with a bias, as the transformer's have them.
    private static let matrices = 4
    private static let blocks = 24

    /// Copies of one block take about as long as the arithmetic of another: together they take what one of them takes,
    /// not the sum, with a budget for a few blocks and with activations of a matrix's size. Nor does the driver have to
    /// find memory any more once a few blocks went by.
    @Test(arguments: [28, 64]) func copiesHideBehindArithmetic(_ limitMiB: Int) throws {
        let clock = try #require(TestDevice.emulatedClock)
        let backend = try TestDevice.backend {
            $0.limitBytes = limitMiB << 20
            $0.narrowElements = .max
        }
        // Large enough to be registered, as files are.
        let memory = HalfMemory(count: 32 << 20)
        let step = { (load: Bool, compute: Bool, weights: inout [Tensor]) throws in
            if load { weights = try Self.load(memory, on: backend) }
            if compute { try Self.compute(with: weights, on: backend) }
            if load { weights = [] }
        }
        func time(load: Bool, compute: Bool, _ weights: inout [Tensor]) throws -> Double {
            let start = clock()
            for _ in 0..<Self.blocks { try step(load, compute, &weights) }
            return clock() - start
        }
        // The kernels are compiled, the pool is filled.
        var weights: [Tensor] = []
        _ = try time(load: true, compute: true, &weights)
        let copies = try time(load: true, compute: false, &weights)
        weights = try Self.load(memory, on: backend)
        let arithmetic = try time(load: false, compute: true, &weights)
        weights = []
        _ = try time(load: true, compute: true, &weights)
        let both = try time(load: true, compute: true, &weights)
        #expect(copies > 0.5 * arithmetic && arithmetic > 0.5 * copies)
        #expect(both < 1.2 * max(copies, arithmetic), "\(copies) and \(arithmetic) us alone, \(both) us together")
        #expect(backend.memory.peakBytes <= limitMiB << 20)
    }

    private static func load(_ memory: HalfMemory, on backend: CUDABackend) throws -> [Tensor] {
        var weights: [Tensor] = []
        for _ in 0..<matrices {
            weights.append(try backend.weight(memory.tensor([side, side])))
            weights.append(try backend.parameter(memory.tensor([side])))
        }
        return weights
    }

    /// Some kernels that read each weight, and activations as large as one that come and go.
    private static func compute(with weights: [Tensor], on backend: CUDABackend) throws {
        for weight in weights where weight.shape.rank == 2 {
            let large = try backend.allocate([512, side], .float32)
            for row in 0..<2 {
                let values = try backend.gatherRows(weight, [Int32(row)])
                try backend.copy(values, into: large.rows(row..<(row + 1)).batchOfOne)
            }
        }
        for bias in weights where bias.shape.rank == 1 { _ = try backend.activate(bias, .silu) }
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
