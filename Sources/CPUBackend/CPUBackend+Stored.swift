import TensorCore

extension CPUBackend {
    /// A whole weight of this backend as a checkpoint would hold it, sharing its memory: what `blockWeight` made of a
    /// matrix, to be written to a file.
    public func stored(_ weight: Tensor) -> HostTensor {
        guard let storage = weight.storage as? HostStorage else {
            preconditionFailure("a tensor of another device reached the CPU backend")
        }
        precondition(weight.offset == 0, "a part of a weight has no file of its own")
        let quantization = (storage as? QuantizedStorage).map { quantized in
            switch quantized.scales {
            case .rows(let scales), .groups(let scales):
                Quantization(scales: stored(scales), rotation: quantized.rotation)
            }
        }
        return HostTensor(
            memory: storage, byteOffset: 0, shape: weight.shape, dtype: weight.dtype, quantization: quantization)
    }

    /// How far a weight's values are from those of the tensor that it was made of.
    ///
    /// - Returns: the sums of squares of the differences and of the original's values.
    public func distance(of weight: Tensor, from original: HostTensor) throws(TensorError) -> MatrixDistance {
        let (rows, columns) = (weight.shape[0], weight.shape[1])
        let found = WeightRows(weight)
        let wanted = WeightRows(try self.weight(original))
        let scratch = try allocate([workers.count, 2, columns], .float32, operation: "a comparison of weights")
        let sums = try allocate([max(rows, 1), 2], .float64, operation: "a comparison of weights")
        let totals = sums.rawPointer.assumingMemoryBound(to: Double.self)
        workers.run(tasks: rows) { worker, row in
            let a = scratch.floats + 2 * worker * columns
            let b = a + columns
            found.values(row, into: a)
            wanted.values(row, into: b)
            var (difference, square) = (0.0, 0.0)
            for column in 0..<columns {
                let distance = Double(a[column]) - Double(b[column])
                difference += distance * distance
                square += Double(b[column]) * Double(b[column])
            }
            totals[2 * row] = difference
            totals[2 * row + 1] = square
        }
        var result = MatrixDistance()
        workers.run(tasks: 1) { _, _ in
            for row in 0..<rows { result.add(totals[2 * row], totals[2 * row + 1]) }
        }
        return withExtendedLifetime(sums) { result }
    }
}

/// The distance between two matrices, which can be summed up over several.
public struct MatrixDistance: Sendable, Hashable {
    /// Sums of squares: of the differences, and of the original's values.
    public private(set) var difference = 0.0
    public private(set) var square = 0.0

    /// Nothing compared yet.
    public init() {}

    /// `‖found - original‖ / ‖original‖`; 0 if both are zero.
    public var relative: Double { square > 0 ? (difference / square).squareRoot() : 0 }

    mutating func add(_ difference: Double, _ square: Double) {
        self.difference += difference
        self.square += square
    }

    /// The distance of both together.
    public static func + (one: MatrixDistance, other: MatrixDistance) -> MatrixDistance {
        var sum = one
        sum.add(other.difference, other.square)
        return sum
    }
}

extension HostStorage: HostMemory {
    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }
}
