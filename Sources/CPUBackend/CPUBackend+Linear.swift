import CKernels
import COpenBLAS
import TensorCore

/// CBLAS's names for the two layouts and transpositions that are used.
enum BLAS {
    static let rowMajor: Int32 = 101
    static let noTranspose: Int32 = 111
    static let transpose: Int32 = 112

    /// `c = alpha a·op(b) + beta c`, row-major: a [m, k], b [k, n] or, transposed, [n, k]; each with its row stride.
    static func multiply(
        _ m: Int, _ n: Int, _ k: Int,
        _ a: UnsafePointer<Float>, _ aStride: Int,
        _ b: UnsafePointer<Float>, _ bStride: Int, transposed: Bool,
        beta: Float, _ c: UnsafeMutablePointer<Float>, _ cStride: Int
    ) {
        cblas_sgemm(
            rowMajor, noTranspose, transposed ? transpose : noTranspose, Int32(m), Int32(n), Int32(k), 1, a,
            Int32(aStride), b, Int32(bStride), beta, c, Int32(cStride))
    }
}

extension Activation {
    /// The kernels' number for it.
    var kernelCode: Int32 {
        switch self {
        case .none: Int32(MICA_NONE)
        case .silu: Int32(MICA_SILU)
        case .geluTanh: Int32(MICA_GELU_TANH)
        case .gelu: Int32(MICA_GELU)
        }
    }
}

extension CPUBackend {
    /// Up to this many input rows a product is bound by reading the weights, and goes row by row without packing them.
    private static let fewRows = 4
    /// Widened weights are held in panels of about this many bytes a worker: they stay in the second-level cache.
    private static let panelBytes = 512 << 10

    func linear(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) {
        // A sum of nothing: no product below knows rows without elements.
        if input.shape[1] == 0 {
            workers.run(tasks: 1) { _, _ in
                output.floats.update(repeating: 0, count: output.shape.elementCount)
                finish(output, 0..<output.shape[0], 0..<output.shape[1], bias, activation)
            }
        } else if weight.dtype == .int8, input.shape[0] > Self.fewRows {
            let done = try int8Product(input, weight, bias, activation, output)
            precondition(done, "oneDNN has no product of 8 bits although the CPU does")
        } else if input.shape[0] <= Self.fewRows {
            rowProducts(input, weight, output)
            workers.run(tasks: 1) { _, _ in
                finish(output, 0..<output.shape[0], 0..<output.shape[1], bias, activation)
            }
        } else if weight.dtype == .bfloat16, multipliesBFloat16,
            try bfloat16Product(input, weight, bias, activation, output)
        {
            return
        } else if weight.dtype == .float32 {
            floatProduct(input, weight, bias, activation, output)
        } else {
            try panelProduct(input, weight, bias, activation, output)
        }
    }

    private func floatProduct(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        let (x, w, y) = (input.floats, weight.floats, output.floats)
        // The longer side is split, in one piece a worker: each piece packs the other operand once more.
        let splitsRows = rows >= columns
        let extent = splitsRows ? rows : columns
        let pieces = max(1, min(workers.count, extent / 16))
        workers.run(tasks: pieces) { _, piece in
            let part = (extent * piece / pieces)..<(extent * (piece + 1) / pieces)
            let rowRange = splitsRows ? part : 0..<rows
            let columnRange = splitsRows ? 0..<columns : part
            BLAS.multiply(
                rowRange.count, columnRange.count, depth, x + rowRange.lowerBound * depth, depth,
                w + columnRange.lowerBound * depth, depth, transposed: true, beta: 0,
                y + rowRange.lowerBound * columns + columnRange.lowerBound, columns)
            finish(output, rowRange, columnRange, bias, activation)
        }
    }

    private func panelProduct(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        let (x, y) = (input.floats, output.floats)
        let panelRows = min(columns, max(16, Self.panelBytes / (depth * 4)))
        let panels = (columns + panelRows - 1) / panelRows
        let scratch = try allocate([min(workers.count, panels), panelRows, depth], .float32, operation: "linear")
        let panel = scratch.floats
        workers.run(tasks: panels) { worker, task in
            let columnRange = (task * panelRows)..<min((task + 1) * panelRows, columns)
            let mine = panel + worker * panelRows * depth
            widen(weight, (columnRange.lowerBound * depth)..<(columnRange.upperBound * depth), into: mine)
            BLAS.multiply(
                rows, columnRange.count, depth, x, depth, mine, depth, transposed: true, beta: 0,
                y + columnRange.lowerBound, columns)
            finish(output, 0..<rows, columnRange, bias, activation)
        }
    }

    /// Products of few rows: each weight row is read once, in its own element type.
    private func rowProducts(_ input: Tensor, _ weight: Tensor, _ output: Tensor) {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        let (x, y, raw) = (input.floats, output.floats, weight.rawPointer)
        workers.split(columns, grain: max(1, 16384 / depth)) { _, range in
            for column in range {
                for row in 0..<rows {
                    let vector = x + row * depth
                    let first = column * depth
                    y[row * columns + column] =
                        switch weight.dtype {
                        case .bfloat16:
                            mica_dot_bf16(vector, raw.assumingMemoryBound(to: UInt16.self) + first, depth)
                        case .float16:
                            mica_dot_f16(vector, raw.assumingMemoryBound(to: UInt16.self) + first, depth)
                        case .int8: quantizedDot(vector, weight, row: column, depth)
                        default: mica_dot_f32(vector, raw.assumingMemoryBound(to: Float.self) + first, depth)
                        }
                }
            }
        }
    }

    private func quantizedDot(
        _ vector: UnsafePointer<Float>, _ weight: Tensor, row: Int, _ depth: Int
    ) -> Float {
        guard let quantized = weight.storage as? QuantizedStorage else { preconditionFailure("int8 without scales") }
        let integers = weight.rawPointer.assumingMemoryBound(to: Int8.self) + row * depth
        return mica_dot_s8(vector, integers, depth) * quantized.scales.floats[weight.offset / depth + row]
    }

    /// Bias and activation over a rectangle of the output, while it is in the cache.
    func finish(
        _ output: Tensor, _ rows: Range<Int>, _ columns: Range<Int>, _ bias: Tensor?, _ activation: Activation
    ) {
        guard bias != nil || activation != .none else { return }
        let stride = output.shape[1]
        let corner = output.floats + rows.lowerBound * stride + columns.lowerBound
        mica_bias_activate(
            corner, bias.map { UnsafePointer($0.floats + columns.lowerBound) }, corner, rows.count, columns.count,
            stride,
            activation.kernelCode)
    }
}
