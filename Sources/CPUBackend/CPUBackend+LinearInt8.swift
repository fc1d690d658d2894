import CKernels
import TensorCore

extension CPUBackend {
    /// A product by oneDNN with a weight of int8: each input row is rounded to 8 bits by its own scale. False if oneDNN
    /// cannot.
    func libraryInt8Product(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) -> Bool {
        guard let quantized = weight.storage as? QuantizedStorage,
            case .rows(let scales) = quantized.scales
        else {
            return false
        }
        let split = ProductSplit(rows: input.shape[0], columns: output.shape[1], workers: workers.count)
        let (depth, columns) = (input.shape[1], output.shape[1])
        guard let products = matrixProducts.products(.int8, split, depth: depth) else { return false }
        let rounded = try allocate(input.shape, .uint8, operation: "linear")
        let rowScales = try allocate([input.shape[0]], .float32, operation: "linear")
        let rowZeros = try allocate([input.shape[0]], .int32, operation: "linear")
        let zeros = rowZeros.rawPointer.assumingMemoryBound(to: Int32.self)
        let scratch = try allocate([split.parts.count, products.scratchBytes], .uint8, operation: "linear")
        let integers = rounded.rawPointer.assumingMemoryBound(to: UInt8.self)
        workers.split(input.shape[0], grain: max(1, 16384 / depth)) { _, range in
            for row in range {
                rowScales.floats[row] = mica_quantize_row_u8(
                    input.floats + row * depth, integers + row * depth, depth, zeros + row)
            }
        }
        let firstRow = weight.offset / quantized.columns
        let sums = rowSums(of: quantized).rawPointer.assumingMemoryBound(to: Int32.self) + firstRow
        workers.run(tasks: split.parts.count) { _, task in
            let (rowRange, columnRange) = split.ranges(task)
            // Sums of 32 bits take the place of the floats that they become.
            let corner = output.floats + rowRange.lowerBound * columns + columnRange.lowerBound
            products.execute(
                part: split.parts[task].count, input: integers + rowRange.lowerBound * depth,
                weight: weight.rawPointer + columnRange.lowerBound * depth, output: corner,
                scratch: scratch.rawPointer + task * products.scratchBytes)
            mica_dequantize_rows(
                UnsafeRawPointer(corner).assumingMemoryBound(to: Int32.self),
                rowScales.floats + rowRange.lowerBound,
                zeros + rowRange.lowerBound, scales.floats + firstRow + columnRange.lowerBound,
                sums + columnRange.lowerBound, corner, rowRange.count, columnRange.count, columns)
            finish(output, rowRange, columnRange, bias, activation)
        }
        return true
    }

    /// Memory for the sums of a matrix's rows, where they will be needed: taken when the matrix is, so that a product
    /// needs no more than it gives back.
    func reserveSums(_ quantized: QuantizedStorage, rows: Int, _ dtype: DType) throws(TensorError) {
        guard multipliesInt8, dtype == .int8 else { return }
        quantized.sums = try allocate([rows], .int32, operation: "a quantised weight")
    }

    /// The sums of a matrix's rows, counted when they are first needed: a mapped matrix is not read before.
    func rowSums(of quantized: QuantizedStorage) -> Tensor {
        guard let sums = quantized.sums else { preconditionFailure("int8 without room for its sums") }
        guard !quantized.hasSums else { return sums }
        let columns = quantized.columns
        let integers = UnsafePointer(quantized.base.assumingMemoryBound(to: Int8.self))
        let target = sums.rawPointer.assumingMemoryBound(to: Int32.self)
        workers.split(sums.elementCount, grain: max(1, 65536 / max(columns, 1))) { _, range in
            mica_sum_rows_s8(integers + range.lowerBound * columns, target + range.lowerBound, range.count, columns)
        }
        quantized.hasSums = true
        return sums
    }
}
