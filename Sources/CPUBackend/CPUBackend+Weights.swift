import CKernels
import TensorCore

extension CPUBackend {
    public func weight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        guard let quantization = tensor.quantization else { return try shared(tensor) }
        let scales = try scales(of: tensor, quantization)
        let columns = tensor.shape[1]
        let address = tensor.memory.withUnsafeBytes { $0.baseAddress.map { $0 + tensor.byteOffset } }
        guard let address else { return try allocate(tensor.shape, tensor.dtype) }
        let storage = try QuantizedStorage(
            sharing: address, byteCount: tensor.byteCount, of: tensor.memory, allocator: allocator, columns: columns,
            scales: scales, rotation: quantization.rotation)
        try reserveSums(storage, rows: tensor.shape[0], tensor.dtype)
        return Tensor(storage: storage, shape: tensor.shape, dtype: tensor.dtype)
    }

    public func rows(_ indices: [Int32], of table: HostTensor) throws(TensorError) -> Tensor {
        let columns = table.shape[1]
        let result = try allocate([indices.count, columns], .float32)
        let target = result.floats
        for (place, index) in indices.enumerated() {
            // What is touched of a mapped table is not counted: a few pages, where the whole may be a gigabyte.
            let stored = table.rows(Int(index)..<(Int(index) + 1))
            let row = WeightRows(
                try stored.quantization == nil ? shared(stored, isCounted: false) : weight(stored))
            workers.run(tasks: 1) { _, _ in row.values(0, into: target + place * columns) }
        }
        return result
    }

    /// The checkpoint's own bytes, or a copy of them if they lie askew.
    func shared(_ tensor: HostTensor, isCounted: Bool = true) throws(TensorError) -> Tensor {
        guard tensor.dtype.isWeightType else { throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype) }
        let address = tensor.memory.withUnsafeBytes { $0.baseAddress.map { $0 + tensor.byteOffset } }
        guard let address, Int(bitPattern: address) % tensor.dtype.alignment == 0 else {
            // A file may place a tensor at any byte; arithmetic needs whole elements.
            return try alignedCopy(of: tensor)
        }
        return Tensor(
            storage: try HostStorage(
                sharing: address, byteCount: tensor.byteCount, of: tensor.memory, allocator: allocator,
                isCounted: isCounted),
            shape: tensor.shape, dtype: tensor.dtype)
    }

    public func parameter(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        let source = try weight(tensor)
        guard source.dtype != .float32 else { return source }
        let result = try allocate(tensor.shape, .float32)
        let rows = WeightRows(
            tensor.quantization == nil ? source.reshaped([1, source.elementCount]) : source)
        let target = result.floats
        workers.run(tasks: rows.columns == 0 ? 0 : source.elementCount / rows.columns) { _, row in
            rows.values(row, into: target + row * rows.columns)
        }
        return result
    }

    public func convolutionWeight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        let shape = tensor.shape
        precondition(shape.rank == 4 || shape.rank == 5, "a convolution's weight has 4 or 5 axes, not \(shape)")
        let source = try parameter(tensor)
        let (outputs, inputs) = (shape[0], shape[1])
        let time = shape.rank == 5 ? shape[2] : 1
        if let packed = try packedConvolutionWeight(source, time: time) { return packed }
        let kernel = shape[-1]
        let area = shape[-2] * shape[-1]
        let result = try allocate([outputs, shape[-2], kernel, inputs], .float32)
        let (from, to) = (source.floats, result.floats)
        workers.split(outputs, grain: 8) { _, range in
            for output in range {
                for input in 0..<inputs {
                    // The last time slice: with zeros in front of the one frame, no other meets data.
                    let plane = from + ((output * inputs + input) * time + time - 1) * area
                    for cell in 0..<area { to[(output * area + cell) * inputs + input] = plane[cell] }
                }
            }
        }
        return result
    }

    /// A matrix's scales: those of rows as one float32 a row, those of groups as they are.
    private func scales(
        of tensor: HostTensor, _ quantization: Quantization
    ) throws(TensorError) -> QuantizedStorage.Scales {
        let stored = try shared(quantization.scales)
        var unusable = stored.elementCount
        guard tensor.dtype != .int4 else {
            workers.run(tasks: 1) { _, _ in
                unusable = mica_first_not_finite_bf16(
                    stored.rawPointer.assumingMemoryBound(to: UInt16.self), stored.elementCount)
            }
            guard unusable == stored.elementCount else { throw .scaleNotFinite(index: unusable) }
            return .groups(stored)
        }
        let rowCount = tensor.shape[0]
        let result = try allocate([rowCount], .float32)
        workers.run(tasks: 1) { _, _ in
            let floats = result.floats
            WeightRows(stored.reshaped([1, stored.elementCount])).widen(0..<1, into: floats)
            unusable = mica_first_not_finite(floats, stored.elementCount)
            // One scale for all becomes one for each.
            if stored.elementCount == 1 { floats.update(repeating: floats[0], count: rowCount) }
        }
        guard unusable == stored.elementCount else { throw .scaleNotFinite(index: unusable) }
        return .rows(result)
    }

    private func alignedCopy(of tensor: HostTensor) throws(TensorError) -> Tensor {
        let copy = try allocate(tensor.shape, tensor.dtype)
        let target = copy.rawPointer
        workers.run(tasks: 1) { _, _ in
            tensor.memory.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress {
                    target.copyMemory(from: base + tensor.byteOffset, byteCount: tensor.byteCount)
                }
            }
        }
        return copy
    }
}
