import TensorCore

/// Rows of an activation in 8 bits, each with its scale.
///
/// It stays beside the activation as long as nobody writes there: query, key and value are products of one input.
struct RoundedInput {
    /// What was rounded, and how.
    struct Key: Equatable {
        /// First element of the rows, and how many there are.
        let offset: Int
        let shape: Shape
        let code: QuantizedMatrix.Code
        let rotation: HadamardRotation?
    }

    let key: Key
    let values: CUDAStorage
    /// float32, one a row.
    let scales: CUDAStorage
    /// int32, one a row; nil for floats.
    let zeros: CUDAStorage?
}

extension CUDABackend {
    /// An input's rows in a matrix's form, rotated as it is; rounded once for all products that follow each other.
    func roundedInput(
        _ input: Tensor, _ code: QuantizedMatrix.Code, _ rotation: HadamardRotation?
    ) throws(TensorError) -> RoundedInput {
        let key = RoundedInput.Key(offset: input.offset, shape: input.shape, code: code, rotation: rotation)
        if let known = input.cuda.rounding, known.key == key { return known }
        let (rows, depth) = (input.shape[0], input.shape[1])
        func memory(_ byteCount: Int) throws(TensorError) -> CUDAStorage {
            try CUDAStorage(byteCount, pool: pool, operation: "linear")
        }
        let isInteger = code == .int8
        let made = RoundedInput(
            key: key, values: try memory(rows * depth), scales: try memory(rows * 4),
            zeros: isInteger ? try memory(rows * 4) : nil)
        var x = try view(input)
        if let rotation { x = try rotated(x, rotation, count: rows * depth) }
        let vector = vectorWidth(depth, x)
        let shape = LaunchShape.rows(rows, pieces: depth / vector)
        if let zeros = made.zeros {
            try launch(
                .quantized, "round_int8_\(vector)", shape, x, made.values.address, made.scales.address, zeros.address,
                Int64(rows), Int32(depth))
        } else {
            try launch(
                .quantized, "round_e4m3_\(vector)", shape, x, made.values.address, made.scales.address, Int64(rows),
                Int32(depth))
        }
        input.cuda.rounding = made
        return made
    }
}
