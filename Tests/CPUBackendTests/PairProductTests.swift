import CPUBackend
import Foundation
import TensorCore
import Testing

/// Products of 16-bit integers with a scale a slice against plain products in double precision, with values that a
/// common scale could not hold.
@Suite(.enabled(if: HostInstructions.ofThisCPU != .portable, "this CPU has no AVX2"))
struct PairProductTests {
    /// Of the product of both operands' lengths. Rounding is at most half a step an element, so each operand is off by
    /// 8 steps of 46,330 where many elements make its length, 1.7 parts in 10,000, and of 16,383, 4.9, where one does;
    /// by Strassen's scheme by 11 of 32,755 and of 4,095 at worst, 3.5 and 28. What is met is far from the worst of
    /// both.
    static let bound = 5e-4

    /// Rows, depth and columns: at the edges of groups (2), units (4), blocks (192), slices (256), panels (32) and
    /// spans (64); with 128 rows, a depth of 512 and 33 columns, at the edges of Strassen's halves.
    static let shapes = [
        (5, 1, 1), (6, 2, 32), (7, 3, 33), (8, 4, 16), (7, 255, 17), (191, 256, 31), (193, 257, 65), (385, 513, 32),
        (12, 770, 130), (13, 269, 95), (128, 512, 33), (129, 513, 64), (194, 519, 65), (257, 1_025, 66),
    ]

    /// What is done to some of the values.
    enum Values: CaseIterable {
        case uniform
        /// One of each 97 is 3,000 times as large.
        case outliers
        case large
        case small
        case allEqual
    }

    @Test(arguments: shapes, Values.allCases)
    func isWithinTheBoundOfLengths(_ shape: (Int, Int, Int), _ values: Values) throws {
        let (rows, depth, columns) = shape
        var random = SplitMix(state: UInt64(rows * 31 + depth * 7 + columns))
        let input = Self.make(rows * depth, values, &random)
        let weight = Self.make(columns * depth, values, &random)
        let found = try Self.product(input, [rows, depth], weight, [columns, depth])
        Self.check(found, input, weight, shape, rows: 0..<rows, "\(values)")
    }

    /// More than is packed at once: all rows are multiplied, those at the turns' ends looked at.
    @Test(arguments: [(530, 48_000, 1), (385, 40_000, 34)])
    func goesBySeveralTurns(_ shape: (Int, Int, Int)) throws {
        let (rows, depth, columns) = shape
        var random = SplitMix(state: 3)
        let some = Self.make(depth + rows, .uniform, &random)
        let input = (0..<rows).flatMap { some[$0..<$0 + depth] }
        let weight = (0..<columns).flatMap { some[2 * $0..<2 * $0 + depth] }
        let found = try Self.product(input, [rows, depth], weight, [columns, depth])
        for rows in [0..<2, 191..<193, 383..<385, (rows - 1)..<rows] {
            Self.check(found, input, weight, shape, rows: rows, "")
        }
    }

    /// Sums of integers are exact, and scaled in the same order, so that wider instructions change nothing.
    @Test(.enabled(if: PairKernels(.ofThisCPU) == .vnni, "this CPU has no VNNI"), arguments: shapes, Values.allCases)
    func isTheSameWithWiderInstructions(_ shape: (Int, Int, Int), _ values: Values) throws {
        let (rows, depth, columns) = shape
        var random = SplitMix(state: UInt64(rows * 31 + depth * 7 + columns))
        let input = Self.make(rows * depth, values, &random)
        let weight = Self.make(columns * depth, values, &random)
        let products = try [HostInstructions.avx2, .avx512].map { instructions in
            try Self.product(input, [rows, depth], weight, [columns, depth], instructions: instructions)
        }
        #expect(products[0] == products[1])
    }

    private static func check(
        _ found: [Float], _ input: [Float], _ weight: [Float], _ shape: (Int, Int, Int), rows: Range<Int>,
        _ values: String
    ) {
        let (_, depth, columns) = shape
        for row in rows {
            for column in 0..<columns {
                var (sum, x, w) = (0.0, 0.0, 0.0)
                for k in 0..<depth {
                    let (a, b) = (Double(input[row * depth + k]), Double(weight[column * depth + k]))
                    sum += a * b
                    x += a * a
                    w += b * b
                }
                let difference = abs(Double(found[row * columns + column]) - sum)
                guard difference <= bound * (x * w).squareRoot() else {
                    Issue.record("\(shape) \(values): \(row), \(column) is off by \(difference)")
                    return
                }
            }
        }
    }

    @Test(arguments: [(8, 300, 20), (140, 600, 40)])
    func whatIsNoNumberStaysInItsRowOrColumn(_ shape: (Int, Int, Int)) throws {
        let (rows, depth, columns) = shape
        var input = [Float](repeating: 1, count: rows * depth)
        var weight = [Float](repeating: 1, count: columns * depth)
        input[2 * depth + depth - 1] = .nan
        input[(rows - 3) * depth] = .infinity
        weight[7 * depth + 9] = .nan
        let found = try Self.product(input, [rows, depth], weight, [columns, depth])
        for row in 0..<rows {
            for column in 0..<columns {
                let value = found[row * columns + column]
                let isNone = row == 2 || row == rows - 3 || column == 7
                let isRight = isNone ? !value.isFinite : abs(value - Float(depth)) < 0.2
                #expect(isRight, "row \(row), column \(column): \(value)")
            }
        }
    }

    @Test func zerosGiveZeros() throws {
        let found = try Self.product(
            [Float](repeating: 0, count: 6 * 40), [6, 40], [Float](repeating: 3, count: 3 * 40), [3, 40])
        #expect(found.allSatisfy { $0 == 0 })
    }

    @Test func isTheSameWithAnyNumberOfThreads() throws {
        var random = SplitMix(state: 9)
        for depth in [300, 700] {
            let input = Self.make(200 * depth, .uniform, &random)
            let weight = Self.make(70 * depth, .uniform, &random)
            let one = try Self.product(input, [200, depth], weight, [70, depth], threads: 1)
            for threads in [2, 3, 7] {
                #expect(try Self.product(input, [200, depth], weight, [70, depth], threads: threads) == one)
            }
        }
    }

    private static func product(
        _ input: [Float], _ inputShape: Shape, _ weight: [Float], _ weightShape: Shape, threads: Int = 2,
        instructions: HostInstructions = .avx2
    ) throws -> [Float] {
        let backend = CPUBackend(threads: threads, compute: .bfloat16, instructions: instructions)
        return try backend.download(
            backend.linear(
                backend.upload(input, inputShape), Linear(weight: backend.upload(weight, weightShape), bias: nil)))
    }

    private static func make(_ count: Int, _ values: Values, _ random: inout SplitMix) -> [Float] {
        (0..<count).map { index in
            let value = random.unit()
            return switch values {
            case .uniform: value
            case .outliers: index % 97 == 5 ? value * 3000 : value
            case .large: value * 1e17
            case .small: value * 1e-17
            case .allEqual: 0.7
            }
        }
    }
}
