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
        quantize(input, rounded, rowScales, zeros)
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
                UnsafeRawPointer(corner).assumingMemoryBound(to: Int32.self), columns,
                rowScales.floats + rowRange.lowerBound,
                zeros + rowRange.lowerBound, scales.floats + firstRow + columnRange.lowerBound,
                sums + columnRange.lowerBound, corner, rowRange.count, columnRange.count, columns)
            finish(output, rowRange, columnRange, bias, activation)
        }
        return true
    }

    /// The same with AVX2 alone: both operands widened to 16 bits.
    func pairedInt8Product(
        _ input: Tensor, _ quantized: QuantizedStorage, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation,
        _ output: Tensor
    ) throws(TensorError) {
        guard case .rows(let scales) = quantized.scales else { preconditionFailure("int8 with scales of groups") }
        let (depth, columns) = (input.shape[1], output.shape[1])
        let product = PairProduct(rows: input.shape[0], depth: depth, columns: columns, kernels: pairKernels)
        let rounded = try allocate([product.rowsAtOnce, depth], .uint8, operation: "linear")
        let rowScales = try allocate([product.rowsAtOnce], .float32, operation: "linear")
        let rowZeros = try allocate([product.rowsAtOnce], .int32, operation: "linear")
        let packed = try allocate([product.packedWords], .int32, operation: "linear")
        let scratch = try allocate([workers.count, product.scratchWords], .int32, operation: "linear")
        let zeros = rowZeros.rawPointer.assumingMemoryBound(to: Int32.self)
        let groups = packed.rawPointer.assumingMemoryBound(to: UInt32.self)
        let firstRow = weight.offset / quantized.columns
        let sums = rowSums(of: quantized).rawPointer.assumingMemoryBound(to: Int32.self) + firstRow
        let integers = UnsafePointer(weight.rawPointer.assumingMemoryBound(to: Int8.self))
        for turn in product.turns {
            quantize(input.rows(turn), rounded, rowScales, zeros)
            product.pack(
                turn.count, of: UnsafePointer(rounded.rawPointer.assumingMemoryBound(to: UInt8.self)), into: groups,
                workers)
            product.multiply(
                turn.count, groups, .integers(integers),
                scratch: scratch.rawPointer.assumingMemoryBound(to: UInt32.self), workers
            ) { found in
                let first = found.rows.lowerBound
                let rows = (first + turn.lowerBound)..<(found.rows.upperBound + turn.lowerBound)
                found.forEachPanel { panel, columns in
                    // Sums of 32 bits, in whose place the floats come that they become.
                    mica_dequantize_rows(
                        UnsafeRawPointer(panel).assumingMemoryBound(to: Int32.self), PairLayout.panelColumns,
                        rowScales.floats + first, zeros + first, scales.floats + firstRow + columns.lowerBound,
                        sums + columns.lowerBound, panel, rows.count, columns.count, PairLayout.panelColumns)
                    finishPanel(panel, output, rows, columns, bias, activation)
                }
            }
        }
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
