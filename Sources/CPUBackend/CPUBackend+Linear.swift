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
    /// Tasks of such a product for each worker: memory's speed changes, and the workers should end together.
    private static let rowTasksPerWorker = 32
    /// From so many rows on, packing a weight of bfloat16 as integers of 16 bits costs less than they save over oneDNN,
    /// which reads it as it is.
    private static let pairRows = 64
    /// Up to this many input features sums of products of 8 bits, 255 * -128 at most, fit 32 bits; longer ones are
    /// multiplied as wider numbers.
    private static let mostInt8Features = Int(Int32.max) / (255 * 128)

    func linear(
        _ given: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) {
        let input = try rotated(given, as: weight)
        // A sum of nothing goes row by row too: no product below knows rows without elements.
        if input.shape[0] <= Self.fewRows || input.shape[1] == 0 {
            rowProducts(input, weight, output)
            workers.run(tasks: 1) { _, _ in
                finish(output, 0..<output.shape[0], 0..<output.shape[1], bias, activation)
            }
            return
        }
        if weight.dtype == .int8, multipliesInt8, input.shape[1] <= Self.mostInt8Features,
            let quantized = weight.storage as? QuantizedStorage,
            try int8Product(input, quantized, weight, bias, activation, output)
        {
            return
        }
        if pairs(input.shape[0], weight) {
            return try pairedProduct(input, weight, bias, activation, output)
        }
        if multipliesBFloat16, try bfloat16Product(input, weight, bias, activation, output) { return }
        if multipliesInTiles {
            try tiledProduct(.float32, input, weight, bias, activation, output)
        } else if weight.dtype == .float32 {
            floatProduct(input, weight, bias, activation, output)
        } else {
            try floatPanelProduct(input, weight, bias, activation, output)
        }
    }

    /// True if a product with so many rows is made of 16-bit integers.
    private func pairs(_ rows: Int, _ weight: Tensor) -> Bool {
        multipliesPairs && (rows >= Self.pairRows || !multipliesBFloat16 || weight.dtype != .bfloat16)
    }

    /// False if nothing here can do it.
    private func int8Product(
        _ input: Tensor, _ quantized: QuantizedStorage, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation,
        _ output: Tensor
    ) throws(TensorError) -> Bool {
        guard products != .library else {
            return try libraryInt8Product(input, weight, bias, activation, output)
        }
        if pairKernels == .vnni {
            try tiledInt8Product(input, quantized, weight, bias, activation, output)
        } else {
            try pairedInt8Product(input, quantized, weight, bias, activation, output)
        }
        return true
    }

    /// By oneDNN, which measured faster than the tiles (BENCHMARKS.md). False if neither can do it.
    private func bfloat16Product(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) -> Bool {
        if products != .tiles {
            let done =
                weight.dtype == .bfloat16
                ? try libraryProduct(input, weight, bias, activation, output)
                : try libraryPanelProduct(input, weight, bias, activation, output)
            if done { return true }
        }
        guard multipliesInTiles else { return false }
        try tiledProduct(.bfloat16, input, weight, bias, activation, output)
        return true
    }

    /// The input turned as the weight is; the input itself if it is not.
    private func rotated(_ input: Tensor, as weight: Tensor) throws(TensorError) -> Tensor {
        guard let rotation = (weight.storage as? QuantizedStorage)?.rotation else { return input }
        let result = try allocate(input.shape, .float32, operation: "linear")
        let columns = input.shape[1]
        let (from, to) = (input.floats, result.floats)
        workers.split(input.shape[0], grain: max(1, 16384 / max(columns, 1))) { _, rows in
            let first = rows.lowerBound * columns
            (to + first).update(from: from + first, count: rows.count * columns)
            mica_rotate(to + first, rows.count * columns, rotation.size)
        }
        return result
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

    /// Products of few rows: each weight row is read once, in its own form.
    private func rowProducts(_ input: Tensor, _ weight: Tensor, _ output: Tensor) {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        let (x, y) = (input.floats, output.floats)
        let weights = WeightRows(weight)
        // The same columns at once however the work is split, or a sum's order would depend on the threads.
        let step = WeightRows.dotRows
        workers.split(
            (columns + step - 1) / step, grain: max(1, 4096 / max(depth, 1)), perWorker: Self.rowTasksPerWorker
        ) { _, range in
            for first in range {
                let some = (first * step)..<min((first + 1) * step, columns)
                for row in 0..<rows {
                    weights.dots(x + row * depth, some, into: y + row * columns + some.lowerBound)
                }
            }
        }
    }

    /// Bias and activation over a rectangle of the output, while it is in the cache.
    func finish(
        _ output: Tensor, _ rows: Range<Int>, _ columns: Range<Int>, _ bias: Tensor?, _ activation: Activation
    ) {
        guard bias != nil || activation != .none else { return }
        let stride = output.shape[1]
        let corner = output.floats + rows.lowerBound * stride + columns.lowerBound
        mica_bias_activate(
            corner, bias.map { UnsafePointer($0.floats + columns.lowerBound) }, corner, rows.count,
            columns.count,
            stride, activation.kernelCode)
    }

    /// The scales of the weight's rows over a rectangle of the output.
    func scale(_ output: Tensor, _ rows: Range<Int>, _ columns: Range<Int>, _ weights: WeightRows) {
        guard let scales = weights.rowScales else { return }
        let stride = output.shape[1]
        mica_scale_columns(
            output.floats + rows.lowerBound * stride + columns.lowerBound, scales + columns.lowerBound, rows.count,
            columns.count, stride)
    }
}
