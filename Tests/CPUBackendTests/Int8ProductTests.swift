import CPUBackend
import Foundation
import TensorCore
import Testing

/// Products with weights of 8 bits against plain products of the same values in double precision.
@Suite(.enabled(if: ComputePrecision.hasFastInt8, "this CPU has no products of 8 bits"))
struct Int8ProductTests {
    /// Both operands are rounded to steps of a row's largest magnitude / 127: for uniform values each is off by
    /// 1 / (127 * 2) of its spread, about 0.005, and sums of random products by 1.4 times that.
    static let bound = 0.01

    /// Rows, depth and columns; up to four rows go another way than more.
    static let shapes = [
        (1, 64, 33), (4, 100, 16), (5, 64, 32), (17, 129, 48), (64, 256, 200), (129, 72, 65), (300, 512, 16),
        // By Strassen's scheme with AVX2; the last one's input is more than is packed at once.
        (128, 512, 33), (193, 1_030, 65), (385, 40_000, 34),
    ]

    @Test(arguments: shapes, [1, 2, 3])
    func equalsThePlainProduct(_ shape: (Int, Int, Int), _ threads: Int) throws {
        let (rows, depth, columns) = shape
        let backend = CPUBackend(threads: threads, compute: .int8)
        var generator = SplitMix(state: UInt64(rows * 31 + depth * 7 + columns))
        let some = (0..<rows + depth).map { _ in generator.unit() }
        let input = (0..<rows).flatMap { some[$0..<$0 + depth] }
        let weight = (0..<columns * depth).map { _ in generator.unit() * 0.1 }
        let bias = (0..<columns).map { _ in generator.unit() }
        let layer = Linear(
            weight: try backend.blockWeight(HeldFloats(weight).tensor([columns, depth]), as: WeightForm(.int8)),
            bias: try backend.upload(bias, [columns]))
        #expect(layer.weight.dtype == .int8)
        let found = try backend.download(backend.linear(backend.upload(input, [rows, depth]), layer))
        var difference = 0.0
        var norm = 0.0
        // Of many rows those at the ends of blocks.
        for row in 0..<rows where rows * depth < 1_000_000 || row % 191 < 2 {
            for column in 0..<columns {
                let sum = (0..<depth).reduce(0.0) {
                    $0 + Double(input[row * depth + $1]) * Double(weight[column * depth + $1])
                }
                difference += pow(Double(found[row * columns + column]) - sum - Double(bias[column]), 2)
                norm += sum * sum
            }
        }
        #expect((difference / norm).squareRoot() <= Self.bound)
    }

    @Test func aRowOfZerosAndAViewOfRows() throws {
        let backend = CPUBackend(compute: .int8)
        let weight = try backend.blockWeight(
            HeldFloats([0, 0, 0, 0, 1, 2, 3, 4, -4, 3, -2, 1]).tensor([3, 4]), as: WeightForm(.int8))
        for rows in [1, 6] {
            let input = try backend.upload((0..<rows).flatMap { _ in [1, 1, 1, 1] as [Float] }, [rows, 4])
            let all = try backend.download(backend.linear(input, Linear(weight: weight, bias: nil)))
            #expect(all[0] == 0 && abs(all[1] - 10) < 0.1 && abs(all[2] + 2) < 0.1)
            let last = try backend.download(backend.linear(input, Linear(weight: weight.rows(1..<3), bias: nil)))
            #expect(abs(last[0] - 10) < 0.1 && abs(last[1] + 2) < 0.1)
        }
    }
}

/// Values in memory, as a checkpoint would lend them.
// @unchecked because the memory is written once, before anyone else sees it.
private final class HeldFloats: HostMemory, @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    init(_ values: [Float]) {
        memory = .allocate(byteCount: values.count * 4, alignment: 64)
        values.withUnsafeBytes { memory.copyMemory(from: $0) }
    }

    deinit {
        memory.deallocate()
    }

    var byteCount: Int { memory.count }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(memory))
    }

    func tensor(_ shape: Shape) -> HostTensor {
        HostTensor(memory: self, byteOffset: 0, shape: shape, dtype: .float32)
    }
}

/// Seeded uniform values (Steele, Lea and Flood 2014).
struct SplitMix {
    var state: UInt64

    /// -1 ..< 1.
    mutating func unit() -> Float {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Float((z ^ (z >> 31)) >> 40) / Float(1 << 23) - 1
    }
}
