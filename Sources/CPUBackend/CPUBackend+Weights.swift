import CKernels
import TensorCore

extension CPUBackend {
    public func weight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        guard tensor.dtype.isWeightType else { throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype) }
        if multipliesBFloat16, tensor.dtype != .bfloat16, tensor.shape.rank == 2 { return try roundedCopy(of: tensor) }
        return try shared(tensor)
    }

    public func rows(_ indices: [Int32], of table: HostTensor) throws(TensorError) -> Tensor {
        let columns = table.shape[1]
        let result = try allocate([indices.count, columns], .float32)
        for (place, index) in indices.enumerated() {
            // What is touched of a mapped table is not counted: a few pages, where the whole may be a gigabyte.
            let row = try shared(table.rows(Int(index)..<(Int(index) + 1)), isCounted: false)
            if !isRehearsing { widen(row, 0..<columns, into: result.floats + place * columns) }
        }
        return result
    }

    /// The checkpoint's own bytes, or a copy of them if they lie askew.
    func shared(_ tensor: HostTensor, isCounted: Bool = true) throws(TensorError) -> Tensor {
        guard tensor.dtype.isWeightType else { throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype) }
        let address = tensor.memory.withUnsafeBytes { $0.baseAddress.map { $0 + tensor.byteOffset } }
        guard let address, Int(bitPattern: address) % tensor.dtype.byteCount == 0 else {
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
        let source = try shared(tensor)
        guard source.dtype != .float32 else { return source }
        let result = try allocate(tensor.shape, .float32)
        if !isRehearsing { widen(source, 0..<source.elementCount, into: result.floats) }
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

    /// Widens the elements `range` of a weight tensor to float32.
    func widen(_ tensor: Tensor, _ range: Range<Int>, into floats: UnsafeMutablePointer<Float>) {
        let raw = tensor.rawPointer
        switch tensor.dtype {
        case .float32:
            floats.update(from: raw.assumingMemoryBound(to: Float.self) + range.lowerBound, count: range.count)
        case .bfloat16:
            mica_widen_bf16(raw.assumingMemoryBound(to: UInt16.self) + range.lowerBound, floats, range.count)
        case .float16:
            mica_widen_f16(raw.assumingMemoryBound(to: UInt16.self) + range.lowerBound, floats, range.count)
        default:
            preconditionFailure("\(tensor.dtype) is no weight type")
        }
    }

    /// A matrix of another type, rounded to bfloat16 once.
    private func roundedCopy(of tensor: HostTensor) throws(TensorError) -> Tensor {
        let aligned = try alignedCopy(of: tensor)
        let result = try allocate(tensor.shape, .bfloat16)
        let rowElements = tensor.shape.rowElementCount
        let row = try allocate([rowElements], .float32)
        for index in 0..<(isRehearsing ? 0 : tensor.shape[0]) {
            widen(aligned, (index * rowElements)..<((index + 1) * rowElements), into: row.floats)
            round(row, into: result.rows(index..<(index + 1)))
        }
        return result
    }

    private func alignedCopy(of tensor: HostTensor) throws(TensorError) -> Tensor {
        let copy = try allocate(tensor.shape, tensor.dtype)
        guard !isRehearsing else { return copy }
        tensor.memory.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress {
                copy.rawPointer.copyMemory(from: base + tensor.byteOffset, byteCount: tensor.byteCount)
            }
        }
        return copy
    }
}
