import CKernels
import Synchronization
import TensorCore

extension CPUBackend {
    public func blockWeight(_ tensor: HostTensor, as form: WeightForm?) throws(TensorError) -> Tensor {
        guard let form, form.narrows(tensor.dtype) else { return try weight(tensor) }
        return try convert(tensor, to: form)
    }

    /// A matrix in another form, in memory of its own: a few rows a worker are widened at a time.
    ///
    /// - Throws: `valueNotFinite` for a matrix that no scale fits.
    private func convert(_ tensor: HostTensor, to form: WeightForm) throws(TensorError) -> Tensor {
        let source = WeightRows(try weight(tensor))
        let target = try emptyMatrix(tensor.shape, form)
        let writer = RowWriter(target, form)
        let columns = tensor.shape[1]
        let widened = try allocate([workers.count, columns], .float32, operation: Self.conversion)
        let unusableRow = Atomic<Int>(-1)
        workers.run(tasks: tensor.shape[0]) { worker, row in
            let floats = widened.floats + worker * columns
            source.values(row, into: floats)
            guard !form.precision.isQuantized || mica_largest_magnitude(floats, columns).isFinite else {
                unusableRow.store(row, ordering: .relaxed)
                return
            }
            writer.write(floats, row)
        }
        let row = unusableRow.load(ordering: .relaxed)
        guard row < 0 else { throw .valueNotFinite(row: row) }
        return target
    }

    private static let conversion = "a converted weight"

    /// Memory for a matrix in a form, with its scales.
    private func emptyMatrix(_ shape: Shape, _ form: WeightForm) throws(TensorError) -> Tensor {
        let dtype = form.precision.dtype
        guard let scaleShape = form.scaleShape(shape) else {
            return try allocate(shape, dtype, operation: Self.conversion)
        }
        let scales = try allocate(scaleShape, form.scaleDType, operation: Self.conversion)
        let byteCount = dtype.byteCount(of: shape)
        let storage = QuantizedStorage(
            base: try allocator.allocate(byteCount, operation: Self.conversion), byteCount: byteCount,
            allocator: allocator, columns: shape[1],
            scales: dtype == .int4 ? .groups(scales) : .rows(scales),
            rotation: form.rotation(columns: shape[1]))
        try reserveSums(storage, rows: shape[0], dtype)
        return Tensor(storage: storage, shape: shape, dtype: dtype)
    }
}

/// Rounds rows of floats into a matrix that was made for them.
private struct RowWriter {
    private let base: UnsafeMutableRawPointer
    private let rowBytes: Int
    private let columns: Int
    private let precision: WeightPrecision
    private let rotation: HadamardRotation?
    private let scales: UnsafeMutableRawPointer?

    init(_ target: Tensor, _ form: WeightForm) {
        guard let storage = target.storage as? HostStorage else {
            preconditionFailure("not a matrix of this backend")
        }
        base = storage.base
        columns = target.shape[1]
        rowBytes = target.dtype.byteCount(of: [1, columns])
        precision = form.precision
        rotation = form.rotation(columns: columns)
        switch (storage as? QuantizedStorage)?.scales {
        case .rows(let tensor), .groups(let tensor): scales = tensor.rawPointer
        case nil: scales = nil
        }
    }

    /// `floats` is overwritten if it is rotated.
    func write(_ floats: UnsafeMutablePointer<Float>, _ row: Int) {
        if let rotation { mica_rotate(floats, columns, rotation.size) }
        let target = base + row * rowBytes
        switch precision {
        case .float32: target.assumingMemoryBound(to: Float.self).update(from: floats, count: columns)
        case .bfloat16: mica_narrow_bf16(floats, target.assumingMemoryBound(to: UInt16.self), columns)
        case .fp8:
            setScale(
                row, mica_quantize_row_e4m3(floats, target.assumingMemoryBound(to: UInt8.self), columns))
        case .int8:
            setScale(
                row, mica_quantize_row_s8(floats, target.assumingMemoryBound(to: Int8.self), columns))
        case .int4:
            guard let scales else { preconditionFailure("int4 without scales") }
            let groups = Quantization.groupCount(columns: columns)
            mica_quantize_row_s4(
                floats, target.assumingMemoryBound(to: UInt8.self),
                scales.assumingMemoryBound(to: UInt16.self) + row * groups, columns)
        }
    }

    private func setScale(_ row: Int, _ scale: Float) {
        scales?.assumingMemoryBound(to: Float.self)[row] = scale
    }
}
