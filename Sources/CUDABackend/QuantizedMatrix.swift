import CCUDA
import TensorCore

/// A matrix of few bits in device memory, with what makes values of its elements.
// @unchecked because as a CUDAStorage it is; what is added never changes, but for sums, made at first need by the
// thread that owns the backend.
final class QuantizedMatrix: CUDAStorage, @unchecked Sendable {
    /// How elements are coded, as the kernels number it.
    enum Code: Int64 {
        case e4m3 = 0
        case e5m2 = 1
        case int8 = 2
        case int4 = 3
        // In blocks, whose scales are among the elements.
        case q40 = 4
        case q41 = 5
        case q50 = 6
        case q51 = 7
        case q80 = 8
        case q2K = 9
        case q3K = 10
        case q4K = 11
        case q5K = 12
        case q6K = 13
        case iq4NL = 14
        case iq4XS = 15

        init?(_ dtype: DType) {
            switch dtype {
            case .float8E4M3: self = .e4m3
            case .float8E5M2: self = .e5m2
            case .int8: self = .int8
            case .int4: self = .int4
            case .q40: self = .q40
            case .q41: self = .q41
            case .q50: self = .q50
            case .q51: self = .q51
            case .q80: self = .q80
            case .q2K: self = .q2K
            case .q3K: self = .q3K
            case .q4K: self = .q4K
            case .q5K: self = .q5K
            case .q6K: self = .q6K
            case .iq4NL: self = .iq4NL
            case .iq4XS: self = .iq4XS
            default: return nil
            }
        }
    }

    let code: Code
    /// float32: one, or one a row; bfloat16: one a group of a row.
    let scales: CUDAStorage
    /// True if one scale serves all rows.
    let isWhole: Bool
    let columns: Int
    let rotation: HadamardRotation?
    /// By row, the sum of its integers.
    var sums: CUDAStorage?

    init(
        _ byteCount: Int, code: Code, scales: CUDAStorage, isWhole: Bool, columns: Int, rotation: HadamardRotation?,
        pool: DevicePool, writer: DevicePool.Writer
    ) throws(TensorError) {
        self.code = code
        self.scales = scales
        self.isWhole = isWhole
        self.columns = columns
        self.rotation = rotation
        try super.init(byteCount, pool: pool, operation: "a quantised weight", writer: writer)
    }

    /// `struct Matrix` of the kernels.
    var words: [Int64] {
        [
            Int64(bitPattern: address), Int64(bitPattern: scales.address), code.rawValue, Int64(columns),
            isWhole ? 0 : 1,
        ]
    }

    /// True if elements come in blocks, for which there are other kernels.
    var isBlocked: Bool { code.rawValue > Code.int4.rawValue }

    /// The kernel that makes values of rows, `vector` at once.
    func dequantizer(_ vector: Int) -> String { isBlocked ? "dequantize_blocks_\(vector)" : "dequantize_\(vector)" }

    /// True if eight elements may be read at once.
    var isVector: Bool { code == .int4 ? columns % 64 == 0 : columns % 8 == 0 }
}

extension CUDABackend {
    /// A stored matrix with its scales, on its way to the device.
    func quantized(_ tensor: HostTensor, _ quantization: Quantization) throws(TensorError) -> Tensor {
        guard let code = QuantizedMatrix.Code(tensor.dtype) else {
            throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype)
        }
        let stored = quantization.scales
        if holdsData, let index = stored.firstNotFinite() { throw .scaleNotFinite(index: index) }
        let raw = try arriving(stored, try elements(of: stored))
        temporaries.append(raw.cuda)
        let scales: CUDAStorage
        if code == .int4 || raw.dtype == .float32 {
            scales = raw.cuda
        } else {
            scales = try scratch(stored.shape.elementCount, .float32, operation: "a quantised weight")
            try convert(
                try view(raw), to: View(address: scales.address, elements: .float32),
                count: stored.shape.elementCount)
        }
        let matrix = try QuantizedMatrix(
            tensor.byteCount, code: code, scales: scales, isWhole: quantization.isWhole, columns: tensor.shape[1],
            rotation: quantization.rotation, pool: pool, writer: .copies)
        if tensor.byteCount > 0 { matrix.arrival = try staging.copy(tensor, to: matrix.address) }
        return Tensor(storage: matrix, shape: tensor.shape, dtype: tensor.dtype)
    }

    /// A matrix in the form that was asked for, rounded on the device.
    func rounded(_ tensor: HostTensor, _ form: WeightForm) throws(TensorError) -> Tensor {
        let source = try arriving(tensor, try elements(of: tensor))
        temporaries.append(source.cuda)
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        let dtype = form.precision.dtype
        guard let code = QuantizedMatrix.Code(dtype) else { return try converted(tensor, to: .bfloat16, .bfloat16) }
        let rotation = form.rotation(columns: columns)
        var values = try view(source)
        if let rotation { values = try rotated(values, rotation, count: rows * columns) }
        let groups = code == .int4 ? Quantization.groupCount(columns: columns) : 1
        let scales = try CUDAStorage(
            rows * groups * (code == .int4 ? 2 : 4), pool: pool, operation: "a quantised weight")
        let matrix = try QuantizedMatrix(
            dtype.byteCount(of: tensor.shape), code: code, scales: scales, isWhole: false, columns: columns,
            rotation: rotation, pool: pool, writer: .arithmetic)
        let vector = vectorWidth(columns, values)
        let kernels: [QuantizedMatrix.Code: (name: String, vector: Int)] = [
            .e4m3: ("round_e4m3_\(vector)", vector), .int8: ("round_symmetric", 1), .int4: ("round_int4", 1),
        ]
        guard let kernel = kernels[code] else { preconditionFailure("nothing rounds to \(dtype)") }
        try launch(
            .quantized, kernel.name, .rows(rows, pieces: columns / kernel.vector), values, matrix.address,
            scales.address, Int64(rows),
            Int32(columns))
        return Tensor(storage: matrix, shape: tensor.shape, dtype: dtype)
    }

    /// Lets arithmetic wait for a matrix and its scales.
    func arrived(_ matrix: QuantizedMatrix) throws(TensorError) {
        for storage in [matrix, matrix.scales] {
            try storage.arrival?.hold(device.compute)
            storage.arrival = nil
        }
    }

    /// Runs of features rotated, in a copy.
    func rotated(_ values: View, _ rotation: HadamardRotation, count: Int) throws(TensorError) -> View {
        let elements: Elements = options.precision == .float32 ? .float32 : .bfloat16
        let copy = View(
            address: try scratch(count, elements, operation: "a rotation").address, elements: elements)
        guard count > 0 else { return copy }
        try launch(
            .quantized, "rotate",
            LaunchShape(grid: (count / rotation.size, 1), block: (min(max(rotation.size / 4, 32), 256), 1)), values,
            copy, Int32(rotation.size))
        return copy
    }

    /// `activation(input · weightᵀ + bias)` with a matrix of few bits.
    func linear(
        _ input: Tensor, _ weight: Tensor, _ matrix: QuantizedMatrix, _ bias: Tensor?, _ activation: Activation,
        _ output: Tensor
    ) throws(TensorError) {
        let (rows, columns, depth) = (input.shape[0], weight.shape[0], input.shape[1])
        let target = try target(output, reading: input)
        guard rows > 0, columns > 0 else { return }
        try arrived(matrix)
        let work = QuantizedProduct(
            rows: rows, columns: columns, depth: depth, input: input, matrix: matrix,
            firstRow: depth == 0 ? 0 : weight.offset / depth, bias: bias, activation: activation)
        if rows > 4, try eightBitProduct(work, target) { return }
        var x = try view(input)
        if let rotation = matrix.rotation { x = try rotated(x, rotation, count: rows * depth) }
        if rows <= 4 { return try fewRows(work, x, target) }
        let elements: Elements = options.precision == .bfloat16 ? .bfloat16 : .float32
        let values = View(
            address: try scratch(columns * depth, elements, operation: "linear").address, elements: elements)
        let vector = matrix.isVector ? 8 : 1
        if depth > 0 {
            try launch(
                .quantized, matrix.dequantizer(vector), .rows(columns, pieces: depth / vector), matrix.words, values,
                Int64(work.firstRow), Int64(columns))
        }
        if x.elements != elements {
            let copy = try scratch(rows * depth, elements, operation: "linear")
            try convert(x, to: View(address: copy.address, elements: elements), count: rows * depth)
            x = View(address: copy.address, elements: elements)
        }
        try product(
            Product(
                rows: rows, columns: columns, depth: depth, input: x, weight: values, bias: bias,
                activation: activation), target)
    }

    /// A product with rows `firstRow ..< firstRow + columns` of a stored matrix.
    private struct QuantizedProduct {
        let rows: Int
        let columns: Int
        let depth: Int
        let input: Tensor
        let matrix: QuantizedMatrix
        let firstRow: Int
        let bias: Tensor?
        let activation: Activation
    }

    private func fewRows(_ work: QuantizedProduct, _ input: View, _ target: View) throws(TensorError) {
        let vector = work.matrix.isVector && vectorWidth(work.depth, input) == 8 ? 8 : 1
        try launch(
            .quantized, work.matrix.isBlocked ? "block_rows_\(vector)" : "quantized_rows_\(vector)",
            LaunchShape(grid: ((work.columns + 7) / 8, 1), block: (32, 8)), input, work.matrix.words,
            Int64(work.firstRow), try view(work.bias), target, work.activation.kernelCode, Int32(work.rows),
            Int32(work.columns))
    }

    /// Up to this many input features sums of products of 8 bits fit 32 bits, also once their zero point is taken off:
    /// an input is then up to 255 steps from it, a weight up to 128.
    private static var mostInt8Features: Int { Int(Int32.max) / (255 * 128) }

    /// Both operands in 8 bits, inputs rounded by row; false where the device or cuBLASLt has no such product.
    private func eightBitProduct(_ work: QuantizedProduct, _ target: View) throws(TensorError) -> Bool {
        guard let products, options.multipliesEightBits, options.precision == .bfloat16, work.depth > 0 else {
            return false
        }
        let isInteger = work.matrix.code == .int8
        guard !isInteger || work.depth <= Self.mostInt8Features else { return false }
        let hasFloat8 = (device.capability.major, device.capability.minor) >= (8, 9)
        guard isInteger || (work.matrix.code == .e4m3 && hasFloat8 && !work.matrix.isWhole) else { return false }
        let weight = work.matrix.address + UInt64(work.firstRow * work.depth)
        let columnScales = work.matrix.scales.address + UInt64(work.matrix.isWhole ? 0 : work.firstRow * 4)
        guard weight % 16 == 0, work.depth % 16 == 0 else { return false }
        let key = MatrixProducts.Key(
            rows: work.rows, columns: work.columns, depth: work.depth,
            operands: Int32(isInteger ? MICA_R_8I : MICA_R_8F_E4M3),
            output: Int32(isInteger ? MICA_R_32I : MICA_R_32F), epilogue: Int32(MICA_EPILOGUE_DEFAULT), alignment: 16)
        // Where the chip scales rows and columns by itself, the sums never leave it.
        let scalesByItself = !isInteger && device.capability.major == 9
        if !scalesByItself, products.refuses(key) { return false }
        let input = try roundedInput(work.input, work.matrix.code, work.matrix.rotation)
        if scalesByItself,
            try scaledProduct(
                work, weight: weight, input: input.values.address, scales: (columnScales, input.scales.address), target)
        {
            return true
        }
        let sums = try scratch(work.rows * work.columns, .float32, operation: "linear")
        guard
            try products.run(
                key, weight: weight, input: input.values.address, bias: 0, output: sums.address)
        else { return false }
        try finish(work, sums, input, target)
        return true
    }

    /// A product of e4m3 that cuBLASLt scales by row and column, with bias and GELU in the same pass where it can;
    /// false if it has no such product at all.
    private func scaledProduct(
        _ work: QuantizedProduct, weight: MicaDeviceAddress, input: MicaDeviceAddress,
        scales: (weight: MicaDeviceAddress, input: MicaDeviceAddress), _ target: View
    ) throws(TensorError) -> Bool {
        guard let products else { return false }
        func run(_ epilogue: Int, bias: MicaDeviceAddress) throws(TensorError) -> Bool {
            let key = MatrixProducts.Key(
                rows: work.rows, columns: work.columns, depth: work.depth, operands: Int32(MICA_R_8F_E4M3),
                output: target.elements.libraryType, epilogue: Int32(epilogue),
                alignment: min(1 << (target.address | bias | 16).trailingZeroBitCount, 16), scalesRows: true)
            return try products.run(
                key, weight: weight, input: input, bias: bias, output: target.address, scales: scales)
        }
        let fusesGELU = work.activation == .geluTanh
        if target.elements == .bfloat16, work.bias != nil || fusesGELU {
            let bias = try work.bias.map { (bias) throws(TensorError) in try self.bias(bias, as: .bfloat16) }
            if try run(Self.epilogue(fusesGELU: fusesGELU, hasBias: bias != nil), bias: bias ?? 0) {
                if work.activation != .none, !fusesGELU {
                    try biasActivation(target, nil, work.activation, rows: work.rows, columns: work.columns)
                }
                return true
            }
        }
        guard try run(Int(MICA_EPILOGUE_DEFAULT), bias: 0) else { return false }
        if work.bias != nil || work.activation != .none {
            try biasActivation(target, work.bias, work.activation, rows: work.rows, columns: work.columns)
        }
        return true
    }

    private func finish(
        _ work: QuantizedProduct, _ sums: CUDAStorage, _ input: RoundedInput, _ target: View
    ) throws(TensorError) {
        let matrix = work.matrix
        if input.zeros != nil, matrix.sums == nil {
            let rows = matrix.byteCount / max(matrix.columns, 1)
            let made = try CUDAStorage(rows * 4, pool: pool, operation: "a quantised weight")
            try launch(
                .quantized, "byte_sums", LaunchShape(grid: ((rows + 7) / 8, 1), block: (32, 8)), matrix.address,
                made.address, Int64(rows), Int32(matrix.columns))
            matrix.sums = made
        }
        let columnSums = matrix.sums.map { $0.address + UInt64(work.firstRow * 4) } ?? 0
        let bias = try view(work.bias)
        let vector = vectorWidth(work.columns, target, bias)
        try launch(
            .quantized, "finish_product_\(vector)", .rows(work.rows, pieces: work.columns / vector), sums.address,
            input.scales.address, input.zeros?.address ?? 0,
            matrix.scales.address + UInt64(matrix.isWhole ? 0 : work.firstRow * 4), Int32(matrix.isWhole ? 0 : 1),
            columnSums, bias, target, work.activation.kernelCode, Int64(work.rows), Int32(work.columns))
    }
}

extension HostTensor {
    /// The first element of float32, bfloat16 or float16 that is an infinity or NaN.
    fileprivate func firstNotFinite() -> Int? {
        memory.withUnsafeBytes { bytes in
            (0..<shape.elementCount).first { index in
                let at = byteOffset + index * dtype.byteCount
                if dtype == .float32 {
                    return !Float(bitPattern: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)).isFinite
                }
                let bits = bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)
                return dtype == .float16 ? bits & 0x7c00 == 0x7c00 : bits & 0x7f80 == 0x7f80
            }
        }
    }
}
