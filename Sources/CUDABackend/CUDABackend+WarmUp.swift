import TensorCore

extension CUDABackend {
    /// Has the driver load what it loads at first need: every kernel, and the libraries' for a product, a convolution
    /// and attention. Gives all memory back. What fails here fails again, and is told, in a job.
    func warmUp() {
        guard holdsData, (try? device.enter()) != nil else { return }
        for program in KernelSource.all { try? kernels.load(program) }
        try? computeSomething()
        try? device.synchronize()
        releaseUnusedMemory()
    }

    private func computeSomething() throws(TensorError) {
        let side = 256
        let zeros = Zeros(count: side * side)
        let bias = try upload([Float](repeating: 0, count: side), [side])
        let input = try upload([Float](repeating: 0, count: side * side), [side, side])
        try linear(input, Linear(weight: try weight(zeros.tensor([side, side])), bias: bias), activation: .geluTanh)
        try attention(input, input, input, AttentionLayout(heads: 2, headSize: side / 2))
        // A result that is large enough to lie in bfloat16, and so is cuDNN's.
        let (inputs, outputs, width) = (8, 64, 128)
        let kernel = try convolutionWeight(zeros.tensor([outputs, inputs, 3, 3]))
        try convolution(
            upload([Float](repeating: 0, count: width * width * inputs), [width, width, inputs]),
            Convolution(weight: kernel, bias: upload([Float](repeating: 0, count: outputs), [outputs])),
            .same(kernel: 3))
    }
}

/// Zeros in bfloat16, in host memory.
private final class Zeros: HostMemory {
    private let bytes: [UInt8]

    init(count: Int) {
        bytes = [UInt8](repeating: 0, count: count * 2)
    }

    var byteCount: Int { bytes.count }

    func tensor(_ shape: Shape) -> HostTensor {
        HostTensor(memory: self, byteOffset: 0, shape: shape, dtype: .bfloat16)
    }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var result: Swift.Result<Result, Failure>?
        bytes.withUnsafeBytes { bytes in
            do throws(Failure) { result = .success(try body(bytes)) } catch { result = .failure(error) }
        }
        guard let result else { preconditionFailure("no bytes") }
        return try result.get()
    }
}
