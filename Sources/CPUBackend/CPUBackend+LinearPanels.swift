import CKernels
import TensorCore

/// Products with weights that are widened a panel of rows at a time: no second copy of a large matrix ever lives.
extension CPUBackend {
    /// Columns of a panel of float32: OpenBLAS packs the whole input again for each panel, so that wide ones cost less.
    private static let floatPanelColumns = 256
    /// Panels of a smaller matrix, for the workers to share, of 64 columns or more.
    private static let floatPanels = 8
    /// A matrix of at most this many bytes of float32 is widened whole, and the input is packed once for all of it.
    private static let wholeWeightBytes = 4 << 20
    /// Rows of a task then, where there are at least so many.
    private static let wholeWeightRows = 256
    /// Bytes of a panel of bfloat16, about: oneDNN packs it once more, and wider panels read the input less often.
    private static let halfPanelBytes = 1 << 20

    func floatPanelProduct(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        if rows >= Self.wholeWeightRows, columns * depth * 4 <= Self.wholeWeightBytes {
            return try wholeWeightProduct(input, weight, bias, activation, output)
        }
        let split = ProductSplit(
            rows: rows, columns: columns,
            panelColumns: min(Self.floatPanelColumns, max(64, columns / Self.floatPanels)))
        let scratch = try allocate(
            [min(workers.count, split.parts.count), split.widest, depth], .float32)
        let (x, y) = (input.floats, output.floats)
        let weights = WeightRows(weight)
        workers.run(tasks: split.parts.count) { worker, task in
            let panelColumns = split.parts[task]
            let panel = scratch.floats + worker * split.widest * depth
            weights.widen(panelColumns, into: panel)
            BLAS.multiply(
                rows, panelColumns.count, depth, x, depth, panel, depth, transposed: true, beta: 0,
                y + panelColumns.lowerBound, columns)
            scale(output, 0..<rows, panelColumns, weights)
            finish(output, 0..<rows, panelColumns, bias, activation)
        }
    }

    /// A small weight widened once, and multiplied with some rows at a time.
    private func wholeWeightProduct(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        let widened = try allocate([columns, depth], .float32, operation: "linear")
        let (x, w, y) = (input.floats, widened.floats, output.floats)
        let weights = WeightRows(weight)
        workers.split(columns, grain: 16) { _, range in
            weights.widen(range, into: w + range.lowerBound * depth)
        }
        let some = Self.wholeWeightRows
        workers.run(tasks: (rows + some - 1) / some) { _, task in
            let range = (task * some)..<min((task + 1) * some, rows)
            BLAS.multiply(
                range.count, columns, depth, x + range.lowerBound * depth, depth, w, depth, transposed: true, beta: 0,
                y + range.lowerBound * columns, columns)
            scale(output, range, 0..<columns, weights)
            finish(output, range, 0..<columns, bias, activation)
        }
    }

    /// As `libraryProduct` for weights of any form. False if oneDNN cannot do it.
    func libraryPanelProduct(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) -> Bool {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        let split = ProductSplit(
            rows: rows, columns: columns, panelColumns: Self.halfPanelBytes / max(depth * 2, 1))
        guard let products = matrixProducts.products(.bfloat16, split, depth: depth) else {
            return false
        }
        let rounded = try allocate(input.shape, .bfloat16, operation: "linear")
        round(input, into: rounded)
        let panels = min(workers.count, split.parts.count)
        let panelScratch = try allocate([panels, split.widest, depth], .bfloat16, operation: "linear")
        let scratch = try allocate([panels, products.scratchBytes], .uint8, operation: "linear")
        let weights = WeightRows(weight)
        workers.run(tasks: split.parts.count) { worker, task in
            let panelColumns = split.parts[task]
            let panel =
                panelScratch.rawPointer.assumingMemoryBound(to: UInt16.self) + worker * split.widest * depth
            weights.narrow(panelColumns, into: panel)
            products.execute(
                part: panelColumns.count, input: rounded.rawPointer, weight: panel,
                output: output.floats + panelColumns.lowerBound,
                scratch: scratch.rawPointer + worker * products.scratchBytes)
            scale(output, 0..<rows, panelColumns, weights)
            finish(output, 0..<rows, panelColumns, bias, activation)
        }
        return true
    }
}
