import CKernels
import TensorCore

/// The rows of a weight matrix [N, K] in whatever form it is stored: to be widened some at a time, or multiplied as
/// they are.
///
/// Scales of whole rows are left to the caller (`rowScales`), who applies them to sums; scales of groups are applied.
struct WeightRows {
    let dtype: DType
    let columns: Int
    private let base: UnsafeRawPointer
    /// From one row to the next.
    let rowBytes: Int
    /// By row of this view; nil if elements are values, or scaled by group.
    let rowScales: UnsafePointer<Float>?
    private let groupScales: UnsafePointer<UInt16>?
    private let groups: Int
    let rotation: HadamardRotation?
    /// Keeps what the pointers refer to.
    private let storage: HostStorage

    /// The rows of a matrix of the CPU backend, views of rows included.
    init(_ weight: Tensor) {
        guard let storage = weight.storage as? HostStorage else {
            preconditionFailure("a tensor of another device reached the CPU backend")
        }
        self.storage = storage
        let columns = weight.shape[-1]
        let firstRow = columns == 0 ? 0 : weight.offset / columns
        dtype = weight.dtype
        self.columns = columns
        rowBytes = weight.dtype.byteCount(ofRow: columns)
        base = UnsafeRawPointer(storage.base + firstRow * rowBytes)
        groups = Quantization.groupCount(columns: columns)
        let quantized = storage as? QuantizedStorage
        rotation = quantized?.rotation
        switch quantized?.scales {
        case .rows(let scales):
            rowScales = UnsafePointer(scales.floats + firstRow)
            groupScales = nil
        case .groups(let scales):
            rowScales = nil
            groupScales = UnsafePointer(
                scales.rawPointer.assumingMemoryBound(to: UInt16.self) + firstRow * groups)
        case nil:
            precondition(weight.dtype.isWeightType, "\(weight.dtype) without scales")
            rowScales = nil
            groupScales = nil
        }
    }

    /// Where an element of a row is; of int4 where its group starts, of blocks where its block does.
    func address(row: Int, element: Int) -> UnsafeRawPointer {
        base + row * rowBytes + dtype.byteCount(ofRow: element)
    }

    /// Asks for elements of a row, which will be read soon.
    func prefetch(_ row: Int, _ elements: Range<Int>) {
        mica_prefetch(address(row: row, element: elements.lowerBound), dtype.byteCount(ofRow: elements.count))
    }

    /// Rows as float32, one after another.
    func widen(_ rows: Range<Int>, into floats: UnsafeMutablePointer<Float>) {
        for (index, row) in rows.enumerated() { widen(row, 0..<columns, into: floats + index * columns) }
    }

    /// Rows as bfloat16, one after another.
    func narrow(_ rows: Range<Int>, into halves: UnsafeMutablePointer<UInt16>) {
        for (index, row) in rows.enumerated() { narrow(row, 0..<columns, into: halves + index * columns) }
    }

    /// Elements of a row as float32; of int4 from the start of a group, of blocks whole ones.
    func widen(_ row: Int, _ elements: Range<Int>, into floats: UnsafeMutablePointer<Float>) {
        let source = address(row: row, element: elements.lowerBound)
        let count = elements.count
        switch dtype {
        case .float32: floats.update(from: source.assumingMemoryBound(to: Float.self), count: count)
        case .bfloat16: mica_widen_bf16(source.assumingMemoryBound(to: UInt16.self), floats, count)
        case .float16: mica_widen_f16(source.assumingMemoryBound(to: UInt16.self), floats, count)
        case .float8E4M3: mica_widen_e4m3(source.assumingMemoryBound(to: UInt8.self), floats, count)
        case .float8E5M2: mica_widen_e5m2(source.assumingMemoryBound(to: UInt8.self), floats, count)
        case .int8: mica_widen_s8(source.assumingMemoryBound(to: Int8.self), floats, count)
        case .int4:
            mica_widen_s4(
                source.assumingMemoryBound(to: UInt8.self), scales(row, from: elements.lowerBound), floats, count)
        default:
            mica_widen_blocks(dtype.blockCode, source.assumingMemoryBound(to: UInt8.self), floats, count)
        }
    }

    /// Elements of a row as bfloat16; of int4 from the start of a group, of blocks whole ones.
    func narrow(_ row: Int, _ elements: Range<Int>, into halves: UnsafeMutablePointer<UInt16>) {
        let source = address(row: row, element: elements.lowerBound)
        let count = elements.count
        switch dtype {
        case .float32: mica_narrow_bf16(source.assumingMemoryBound(to: Float.self), halves, count)
        case .bfloat16: halves.update(from: source.assumingMemoryBound(to: UInt16.self), count: count)
        case .float16: mica_narrow_f16(source.assumingMemoryBound(to: UInt16.self), halves, count)
        case .float8E4M3: mica_narrow_e4m3(source.assumingMemoryBound(to: UInt8.self), halves, count)
        case .float8E5M2: mica_narrow_e5m2(source.assumingMemoryBound(to: UInt8.self), halves, count)
        case .int8: mica_narrow_s8(source.assumingMemoryBound(to: Int8.self), halves, count)
        case .int4:
            mica_narrow_s4(
                source.assumingMemoryBound(to: UInt8.self), scales(row, from: elements.lowerBound), halves, count)
        default:
            mica_narrow_blocks(dtype.blockCode, source.assumingMemoryBound(to: UInt8.self), halves, count)
        }
    }

    /// Rows that `dots` takes at once.
    static let dotRows = 4

    /// The products of up to four rows with a vector of floats, their scales included.
    func dots(_ vector: UnsafePointer<Float>, _ rows: Range<Int>, into sums: UnsafeMutablePointer<Float>) {
        if dtype == .bfloat16, rowScales == nil, rows.count == Self.dotRows {
            let source = base + rows.lowerBound * rowBytes
            mica_dot4_bf16(vector, source.assumingMemoryBound(to: UInt16.self), rowBytes / 2, columns, sums)
            return
        }
        for row in rows { sums[row - rows.lowerBound] = dot(vector, row) }
    }

    /// The product of one row with a vector of floats, the row's scale included.
    private func dot(_ vector: UnsafePointer<Float>, _ row: Int) -> Float {
        let source = base + row * rowBytes
        let sum: Float =
            switch dtype {
            case .float32: mica_dot_f32(vector, source.assumingMemoryBound(to: Float.self), columns)
            case .bfloat16: mica_dot_bf16(vector, source.assumingMemoryBound(to: UInt16.self), columns)
            case .float16: mica_dot_f16(vector, source.assumingMemoryBound(to: UInt16.self), columns)
            case .float8E4M3: mica_dot_e4m3(vector, source.assumingMemoryBound(to: UInt8.self), columns)
            case .float8E5M2: mica_dot_e5m2(vector, source.assumingMemoryBound(to: UInt8.self), columns)
            case .int8: mica_dot_s8(vector, source.assumingMemoryBound(to: Int8.self), columns)
            case .int4:
                mica_dot_s4(
                    vector, source.assumingMemoryBound(to: UInt8.self), scales(row, from: 0), columns)
            default: mica_dot_blocks(dtype.blockCode, vector, source.assumingMemoryBound(to: UInt8.self), columns)
            }
        return rowScales.map { sum * $0[row] } ?? sum
    }

    /// One row's values, whatever stands for them: scaled and turned back.
    func values(_ row: Int, into floats: UnsafeMutablePointer<Float>) {
        widen(row..<(row + 1), into: floats)
        if let rowScales {
            for column in 0..<columns { floats[column] *= rowScales[row] }
        }
        if let rotation { mica_rotate(floats, columns, rotation.size) }
    }

    /// A row's scales of groups, from the group of an element on.
    private func scales(_ row: Int, from element: Int) -> UnsafePointer<UInt16> {
        guard let groupScales else { preconditionFailure("int4 without scales") }
        precondition(element.isMultiple(of: Quantization.groupSize), "\(element) is in the middle of a group")
        return groupScales + row * groups + element / Quantization.groupSize
    }
}

extension DType {
    /// The kernels' number of a type whose elements come in blocks.
    var blockCode: Int32 {
        let code =
            switch self {
            case .q40: MICA_Q4_0
            case .q41: MICA_Q4_1
            case .q50: MICA_Q5_0
            case .q51: MICA_Q5_1
            case .q80: MICA_Q8_0
            case .q2K: MICA_Q2_K
            case .q3K: MICA_Q3_K
            case .q4K: MICA_Q4_K
            case .q5K: MICA_Q5_K
            case .q6K: MICA_Q6_K
            case .iq4NL: MICA_IQ4_NL
            case .iq4XS: MICA_IQ4_XS
            default: preconditionFailure("\(self) is no weight type")
            }
        return Int32(code)
    }
}
