import CPUBackend
import TensorCore

/// A matrix in a stored form made of seeded bytes, as a checkpoint would lend it, with the values that it stands for.
struct StoredMatrix: Sendable, CustomStringConvertible {
    /// How many scales there are.
    enum Scaling: Sendable {
        case none
        case whole
        case rows
        case groups
    }

    let dtype: DType
    let scaling: Scaling
    let rows: Int
    let columns: Int
    var rotation: Int?

    var description: String {
        "\(dtype.rawValue) [\(rows), \(columns)], scaled by \(scaling)"
            + (rotation.map { ", rotated by \($0)" } ?? "")
    }

    private var seed: UInt64 { SeededValues.seed(of: description) }

    /// The elements' bytes, every code but NaN.
    private var bytes: [UInt8] {
        if let block = dtype.block { return blockBytes(block) }
        var source = SeededValues(seed: seed)
        let count = dtype.byteCount(of: [rows, columns])
        return (0..<count).map { _ in
            let byte = UInt8(truncatingIfNeeded: source.nextBits() >> 32)
            switch dtype {
            // Without the widest exponents, whose sums hide all others; with the smallest, subnormal ones.
            case .float8E4M3: return byte & 0x7f == 0x7f ? byte ^ 0x7f : byte
            case .float8E5M2: return byte & 0x60 == 0x60 ? byte ^ 0x60 : byte
            default: return byte
            }
        }
    }

    /// Blocks of random bits with small scales.
    private func blockBytes(_ block: ElementBlock) -> [UInt8] {
        var source = SeededValues(seed: seed)
        var bytes = (0..<dtype.byteCount(of: [rows, columns])).map { _ in
            UInt8(truncatingIfNeeded: source.nextBits() >> 32)
        }
        for start in stride(from: 0, to: bytes.count, by: block.bytes) {
            for place in scalePlaces {
                // A float16 of 2^-10 to 2^-7 of either sign: the upper byte's sign and exponent.
                bytes[start + place + 1] = bytes[start + place + 1] & 0x87 | 0x18
            }
        }
        return bytes
    }

    /// Where a block has scales of float16.
    private var scalePlaces: [Int] {
        switch dtype {
        case .q41, .q51, .q4K, .q5K: [0, 2]
        case .q2K: [80, 82]
        case .q3K: [108]
        case .q6K: [208]
        default: [0]
        }
    }

    /// What blocks stand for, as the CPU reads them: a fixture of another program's says that it does so rightly.
    private var blockValues: [Double] {
        let backend = CPUBackend(threads: 1)
        let all = (0..<Int32(rows)).map { $0 }
        let values = try? backend.download(try backend.rows(all, of: tensor()))
        return (values ?? []).map(Double.init)
    }

    private var scaleCount: Int {
        switch scaling {
        case .none: 0
        case .whole: 1
        case .rows: rows
        case .groups: rows * ((columns + 63) / 64)
        }
    }

    private var scales: [Float] {
        SeededValues.uniform(scaleCount, seed: seed &+ 1, amplitude: 0.004, center: 0.01).map {
            scaling == .groups ? StoredFloats.round($0, to: .bfloat16) : $0
        }
    }

    /// As a checkpoint's reader makes it; `scale` replaces a scale.
    func tensor(scale: (index: Int, value: Float)? = nil) -> HostTensor {
        var scales = scales
        if let scale { scales[scale.index] = scale.value }
        let shapes: [Scaling: Shape] = [
            .whole: [], .rows: [rows], .groups: [rows, (columns + 63) / 64],
        ]
        let quantization = shapes[scaling].map {
            Quantization(
                scales: StoredFloats(scales, $0, scaling == .groups ? .bfloat16 : .float32).tensor,
                rotation: rotation.flatMap { HadamardRotation(size: $0) })
        }
        return HostTensor(
            memory: StoredBytes(bytes), byteOffset: 0, shape: [rows, columns], dtype: dtype,
            quantization: quantization)
    }

    /// What it stands for, row-major, by the definitions and, but for blocks, nothing else.
    var values: [Double] {
        if dtype.block != nil { return blockValues }
        let (bytes, scales) = (bytes, scales)
        var result: [Double] = []
        for row in 0..<rows {
            var line = (0..<columns).map { column -> Double in
                switch scaling {
                case .none: element(bytes, row, column)
                case .whole: element(bytes, row, column) * Double(scales[0])
                case .rows: element(bytes, row, column) * Double(scales[row])
                case .groups:
                    element(bytes, row, column) * Double(scales[row * ((columns + 63) / 64) + column / 64])
                }
            }
            if let rotation { line = StoredMatrix.rotate(line, by: rotation) }
            result += line
        }
        return result
    }

    private func element(_ bytes: [UInt8], _ row: Int, _ column: Int) -> Double {
        switch dtype {
        case .int8: return Double(Int8(bitPattern: bytes[row * columns + column]))
        case .float8E4M3:
            return StoredMatrix.float8(bytes[row * columns + column], exponentBits: 4, bias: 7)
        case .float8E5M2:
            return StoredMatrix.float8(bytes[row * columns + column], exponentBits: 5, bias: 15)
        default:
            let start = column / 64 * 64
            let half = (min(64, columns - start) + 1) / 2
            let byte = bytes[row * ((columns + 1) / 2) + start / 2 + (column - start) % half]
            return Double(column - start < half ? byte & 15 : byte >> 4) - 8
        }
    }

    /// Sign, exponent, fraction, by their definition.
    static func float8(_ byte: UInt8, exponentBits: Int, bias: Int) -> Double {
        let fractionBits = 7 - exponentBits
        let exponent = Int(byte & 0x7f) >> fractionBits
        let fraction = Double(Int(byte) & (1 << fractionBits - 1)) / Double(1 << fractionBits)
        let magnitude =
            exponent == 0 ? fraction * power(1 - bias) : (1 + fraction) * power(exponent - bias)
        return byte & 0x80 == 0 ? magnitude : -magnitude
    }

    private static func power(_ exponent: Int) -> Double {
        Double(sign: .plus, exponent: exponent, significand: 1)
    }

    /// Each run of `size` times the Kronecker power of the regular Hadamard matrix of order 4.
    static func rotate(_ line: [Double], by size: Int) -> [Double] {
        let base: [[Double]] = [[1, 1, 1, -1], [1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]]
        return line.indices.map { index in
            let (start, row) = (index / size * size, index % size)
            return (0..<size).reduce(0.0) { sum, column in
                var (entry, r, c) = (1.0, row, column)
                var rest = size
                while rest > 1 {
                    entry *= base[r % 4][c % 4] / 2
                    (r, c, rest) = (r / 4, c / 4, rest / 4)
                }
                return sum + entry * line[start + column]
            }
        }
    }
}

/// Bytes in memory that stay at their address.
// @unchecked because the bytes are written in `init` alone.
final class StoredBytes: HostMemory, @unchecked Sendable {
    private let bytes: UnsafeMutableRawBufferPointer
    let byteCount: Int

    init(_ values: [UInt8]) {
        bytes = .allocate(byteCount: max(values.count, 1), alignment: 64)
        bytes.copyBytes(from: values)
        byteCount = values.count
    }

    deinit {
        bytes.deallocate()
    }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<byteCount]))
    }
}
