/// What of a CUDA device decides which thread draws which value: its multiprocessors and the threads each can hold.
///
/// torch launches as many blocks as the device can hold at once, and a draw of more values than that many threads goes
/// round again: the values of a seed therefore depend on the device, for draws of more than `threadLimit` values.
public struct CUDADeviceShape: Sendable, Equatable {
    /// Streaming multiprocessors (`multiProcessorCount`).
    public let multiprocessorCount: Int
    /// Threads that one of them holds (`maxThreadsPerMultiProcessor`).
    public let threadsPerMultiprocessor: Int

    /// Threads in a block of torch's kernels for random numbers.
    static let blockSize = 256

    /// Describes a device; both counts are above 0, and a multiprocessor holds at least one block of 256 threads.
    public init(multiprocessorCount: Int, threadsPerMultiprocessor: Int) {
        precondition(multiprocessorCount > 0 && threadsPerMultiprocessor >= Self.blockSize, "not a CUDA device")
        self.multiprocessorCount = multiprocessorCount
        self.threadsPerMultiprocessor = threadsPerMultiprocessor
    }

    /// The most blocks of one launch.
    var blockLimit: Int { multiprocessorCount * (threadsPerMultiprocessor / Self.blockSize) }

    /// The most threads of one launch; draws of up to so many values are the same on every device with as many or more.
    public var threadLimit: Int { blockLimit * Self.blockSize }

    /// H100 SXM and H200.
    public static let h100SXM = CUDADeviceShape(multiprocessorCount: 132, threadsPerMultiprocessor: 2048)
    /// H100 PCIe.
    public static let h100PCIe = CUDADeviceShape(multiprocessorCount: 114, threadsPerMultiprocessor: 2048)
    /// A100, SXM and PCIe.
    public static let a100 = CUDADeviceShape(multiprocessorCount: 108, threadsPerMultiprocessor: 2048)
    /// GeForce RTX 4090.
    public static let rtx4090 = CUDADeviceShape(multiprocessorCount: 128, threadsPerMultiprocessor: 1536)
}
