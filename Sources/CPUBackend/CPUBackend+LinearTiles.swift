import CKernels
import TensorCore

/// Products with the backend's own tiles.
extension CPUBackend {
    /// In float32, or with `kind` bfloat16 of the input rounded, whatever the weight's form.
    func tiledProduct(
        _ kind: TiledProduct.Kind, _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation,
        _ output: Tensor
    ) throws(TensorError) {
        let product = TiledProduct(
            kind: kind, rows: input.shape[0], depth: input.shape[1], columns: output.shape[1])
        let weights = WeightRows(weight)
        let packed = try allocate(product.packedShape, .float32, operation: "linear")
        let slices = try slices(of: product, for: weight.dtype)
        for group in product.groups {
            product.pack(
                group.count, of: input.floats + group.lowerBound * product.depth, into: packed.floats, workers)
            product.multiply(
                group.count, packed.floats, weights, output: output.floats + group.lowerBound * product.columns,
                slices: slices?.floats, workers
            ) { rows, columns in
                let rows = (rows.lowerBound + group.lowerBound)..<(rows.upperBound + group.lowerBound)
                scale(output, rows, columns, weights)
                finish(output, rows, columns, bias, activation)
            }
        }
    }

    /// With a weight of int8: each input row is rounded to 8 bits by its own scale.
    func tiledInt8Product(
        _ input: Tensor, _ quantized: QuantizedStorage, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation,
        _ output: Tensor
    ) throws(TensorError) {
        guard case .rows(let scales) = quantized.scales else { preconditionFailure("int8 with scales of groups") }
        let product = TiledProduct(
            kind: .int8, rows: input.shape[0], depth: input.shape[1], columns: output.shape[1])
        let weights = WeightRows(weight)
        let packed = try allocate(product.packedShape, .float32, operation: "linear")
        let slices = try slices(of: product, for: weight.dtype)
        let rounded = try allocate([product.rowsAtOnce, product.depth], .uint8, operation: "linear")
        let rowScales = try allocate([product.rowsAtOnce], .float32, operation: "linear")
        let rowZeros = try allocate([product.rowsAtOnce], .int32, operation: "linear")
        let zeros = rowZeros.rawPointer.assumingMemoryBound(to: Int32.self)
        let firstRow = weight.offset / quantized.columns
        let sums = rowSums(of: quantized).rawPointer.assumingMemoryBound(to: Int32.self) + firstRow
        for group in product.groups {
            quantize(input.rows(group), rounded, rowScales, zeros)
            product.pack(group.count, of: rounded.rawPointer, into: packed.floats, workers)
            let first = output.floats + group.lowerBound * product.columns
            product.multiply(
                group.count, packed.floats, weights, output: first, slices: slices?.floats, workers
            ) { rows, columns in
                // Sums of 32 bits take the place of the floats that they become.
                let corner = first + rows.lowerBound * product.columns + columns.lowerBound
                mica_dequantize_rows(
                    UnsafeRawPointer(corner).assumingMemoryBound(to: Int32.self), product.columns,
                    rowScales.floats + rows.lowerBound, zeros + rows.lowerBound,
                    scales.floats + firstRow + columns.lowerBound, sums + columns.lowerBound, corner, rows.count,
                    columns.count, product.columns)
                let rows = (rows.lowerBound + group.lowerBound)..<(rows.upperBound + group.lowerBound)
                finish(output, rows, columns, bias, activation)
            }
        }
    }

    private func slices(of product: TiledProduct, for dtype: DType) throws(TensorError) -> Tensor? {
        guard !product.reads(dtype) else { return nil }
        return try allocate(
            [workers.count, product.sliceElements], .float32, operation: "linear")
    }

    /// Input rows as 8 bits, with each row's scale and zero.
    func quantize(
        _ input: Tensor, _ rounded: Tensor, _ scales: Tensor, _ zeros: UnsafeMutablePointer<Int32>
    ) {
        let depth = input.shape[1]
        let integers = rounded.rawPointer.assumingMemoryBound(to: UInt8.self)
        workers.split(input.shape[0], grain: max(1, 16384 / depth)) { _, range in
            for row in range {
                scales.floats[row] = mica_quantize_row_u8(
                    input.floats + row * depth, integers + row * depth, depth, zeros + row)
            }
        }
    }
}
