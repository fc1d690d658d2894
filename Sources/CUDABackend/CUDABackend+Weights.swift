import CCUDA
import TensorCore

extension CUDABackend {
    public func weight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try device.enter()
        defer { temporaries.removeAll() }
        if let quantization = tensor.quantization { return try quantized(tensor, quantization) }
        if tensor.dtype.block != nil { return try unscaled(tensor, columns: tensor.shape[-1]) }
        if let values = try coded(tensor, options.precision == .bfloat16 ? .bfloat16 : .float32) { return values }
        let elements = try elements(of: tensor)
        // Matrices of other types are rounded once, so that every product finds what it multiplies.
        if options.precision == .bfloat16, elements != .bfloat16 {
            return try converted(tensor, to: .bfloat16, DType.bfloat16)
        }
        return try arriving(tensor, elements)
    }

    public func parameter(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try device.enter()
        defer { temporaries.removeAll() }
        if let quantization = tensor.quantization {
            return try values(of: try quantized(tensor, quantization), .float32)
        }
        if let values = try coded(tensor, .float32) { return values }
        if try elements(of: tensor) == .float32 { return try arriving(tensor, .float32) }
        return try converted(tensor, to: .float32, .float32)
    }

    public func convolutionWeight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try device.enter()
        defer { temporaries.removeAll() }
        let shape = tensor.shape
        precondition(shape.rank == 4 || shape.rank == 5, "a convolution's weight has 4 or 5 axes, not \(shape)")
        let source = try source(of: tensor)
        temporaries.append(source.cuda)
        let (outputs, inputs, kernel) = (shape[0], shape[1], shape[-1])
        let isNarrow = options.precision == .bfloat16
        let result = try allocate(
            [outputs, shape[-2], kernel, inputs], isNarrow ? .bfloat16 : .float32, operation: "a convolution's weight")
        result.cuda.elements = isNarrow ? .bfloat16 : .float32
        guard result.elementCount > 0 else { return result }
        try launch(
            .elements, "convolution_weight", .pieces(result.elementCount), try view(source), try view(result),
            Int32(inputs), Int32(shape.rank == 5 ? shape[2] : 1), Int32(shape[-2] * kernel),
            Int64(result.elementCount))
        return result
    }

    public func blockWeight(_ tensor: HostTensor, as form: WeightForm?) throws(TensorError) -> Tensor {
        guard let form, tensor.quantization == nil, tensor.shape.rank == 2,
            form.narrows(tensor.dtype), Elements(tensor.dtype) != nil
        else { return try weight(tensor) }
        try device.enter()
        defer { temporaries.removeAll() }
        return try rounded(tensor, form)
    }

    public func rows(_ indices: [Int32], of table: HostTensor) throws(TensorError) -> Tensor {
        try device.enter()
        defer { temporaries.removeAll() }
        let elements = try elements(of: table)
        let rowBytes = table.shape.rowElementCount * table.dtype.byteCount
        var bytes = [UInt8](repeating: 0, count: indices.count * rowBytes)
        if holdsData { copyRows(indices, of: table, rowBytes: rowBytes, into: &bytes) }
        let result = try allocate(
            Shape([indices.count] + table.shape.dimensions.dropFirst()), .float32, operation: "rows of a table")
        result.cuda.elements = .float32
        let copy = try scratch(bytes.count / 2 + 1, .bfloat16, operation: "rows of a table")
        try upload(bytes, to: copy)
        try convert(
            View(address: copy.address, elements: elements), to: try view(result), count: result.elementCount)
        return result
    }

    private func copyRows(_ indices: [Int32], of table: HostTensor, rowBytes: Int, into bytes: inout [UInt8]) {
        table.memory.withUnsafeBytes { source in
            for (row, index) in indices.enumerated() {
                precondition(index >= 0 && Int(index) < table.shape[0], "row \(index) of \(table.shape)")
                let first = table.byteOffset + Int(index) * rowBytes
                bytes.replaceSubrange(
                    (row * rowBytes)..<((row + 1) * rowBytes), with: source[first..<(first + rowBytes)])
            }
        }
    }

    /// A convolution's weight as it comes, or widened.
    private func source(of tensor: HostTensor) throws(TensorError) -> Tensor {
        if let values = try coded(tensor, .float32) { return values }
        return try arriving(tensor, try elements(of: tensor))
    }

    /// The values of a tensor of 8-bit floats or blocks, which need no scales beside them; nil for other types.
    private func coded(_ tensor: HostTensor, _ elements: Elements) throws(TensorError) -> Tensor? {
        guard tensor.quantization == nil, tensor.dtype.isWeightType, QuantizedMatrix.Code(tensor.dtype) != nil
        else { return nil }
        // By rows, which share the device between them: all in one would be the work of one block of threads.
        let count = tensor.shape.elementCount
        let rows = tensor.shape.rank > 1 ? max(tensor.shape[0], 1) : 1
        let matrix = try unscaled(tensor, columns: count / rows)
        return try values(of: matrix.reshaped([rows, count / rows]), elements).reshaped(tensor.shape)
    }

    /// A tensor as it is stored, in rows of `columns`, whose elements need no scales beside them.
    private func unscaled(_ tensor: HostTensor, columns: Int) throws(TensorError) -> Tensor {
        guard let code = QuantizedMatrix.Code(tensor.dtype) else {
            throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype)
        }
        let one = try scratch(1, .float32, operation: "a weight")
        try upload([1 as Float], to: one)
        let matrix = try QuantizedMatrix(
            tensor.byteCount, code: code, scales: one, isWhole: true, columns: columns,
            rotation: nil, pool: pool, writer: .copies)
        if tensor.byteCount > 0 { matrix.arrival = try staging.copy(tensor, to: matrix.address) }
        return Tensor(storage: matrix, shape: tensor.shape, dtype: tensor.dtype)
    }

    /// A stored matrix's values.
    func values(of tensor: Tensor, _ elements: Elements) throws(TensorError) -> Tensor {
        guard let matrix = tensor.storage as? QuantizedMatrix else { preconditionFailure("a matrix without scales") }
        temporaries.append(matrix)
        let result = try allocate(
            tensor.shape, elements == .float32 ? .float32 : .bfloat16, operation: "a weight")
        result.cuda.elements = elements
        guard result.elementCount > 0 else { return result }
        try arrived(matrix)
        let vector = matrix.isVector ? 8 : 1
        try launch(
            .quantized, matrix.dequantizer(vector), .rows(tensor.shape[0], pieces: matrix.columns / vector),
            matrix.words, try view(result), Int64(tensor.offset / max(matrix.columns, 1)), Int64(tensor.shape[0]))
        guard let rotation = matrix.rotation else { return result }
        // The rotation is its own inverse.
        let rotated = try rotated(try view(result), rotation, count: result.elementCount)
        try convert(rotated, to: try view(result), count: result.elementCount)
        return result
    }

    func elements(of tensor: HostTensor) throws(TensorError) -> Elements {
        guard tensor.dtype.isWeightType, let elements = Elements(tensor.dtype) else {
            throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype)
        }
        return elements
    }

    /// The tensor's own bytes on the device, on their way there.
    func arriving(_ tensor: HostTensor, _ elements: Elements) throws(TensorError) -> Tensor {
        let storage = try CUDAStorage(
            tensor.byteCount, pool: pool, operation: "a weight", writer: .copies, elements: elements)
        if tensor.byteCount > 0 { storage.arrival = try staging.copy(tensor, to: storage.address) }
        return Tensor(storage: storage, shape: tensor.shape, dtype: tensor.dtype)
    }

    func converted(_ tensor: HostTensor, to elements: Elements, _ dtype: DType) throws(TensorError) -> Tensor {
        let source = try arriving(tensor, try self.elements(of: tensor))
        temporaries.append(source.cuda)
        let result = try allocate(tensor.shape, dtype, operation: "a weight")
        result.cuda.elements = elements
        try convert(try view(source), to: try view(result), count: tensor.shape.elementCount)
        return result
    }
}
