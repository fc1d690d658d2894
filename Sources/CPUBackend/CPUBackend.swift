import CKernels
import COpenBLAS
import HostLimits
import TensorCore

/// The host: float32 arithmetic with OpenBLAS for matrix products and own kernels for the rest.
///
/// Weights stay where the checkpoint is mapped, in the checkpoint's
/// element type; a matrix product widens them a panel at a time.
// @unchecked because all state is immutable but for the allocator, which locks.
public final class CPUBackend: Backend, @unchecked Sendable {
    public let name: String
    let workers: Workers
    let allocator: HostAllocator
    /// In what matrices are multiplied.
    public let compute: ComputePrecision
    /// True if bfloat16 was asked for and this CPU multiplies it.
    let multipliesBFloat16: Bool
    /// True if bfloat16 was asked for and this CPU multiplies integers of 16 bits faster than anything wider than 8.
    let multipliesPairs: Bool
    /// With what those are multiplied.
    let pairKernels: PairKernels
    /// True if 8 bits were asked for and this CPU multiplies them.
    let multipliesInt8: Bool
    /// True if this CPU multiplies matrices in the backend's own tiles.
    let multipliesInTiles: Bool
    /// What products of bfloat16 and of 8 bits are left to where there is a choice.
    let products: ProductKernels
    /// What float32 convolutions, attention and products of 8 bits are computed with.
    let instructions: HostInstructions
    let matrixProducts: MatrixProductCache

    /// - Parameters:
    ///   - threads: threads that share an operation; nil takes the processors that the process may use.
    ///   - limitBytes: bound on the bytes in use at once: tensors, staged weights and what is lent of a mapping; nil
    ///     sets none.
    ///   - compute: bfloat16 and int8 on a CPU without fast products of them compute as float32 does.
    ///   - name: what users call it, where there are several.
    ///   - shared: a bound that other backends' allocations count against too.
    public convenience init(
        threads: Int? = nil, limitBytes: Int? = nil, compute: ComputePrecision = .float32,
        name: String = "cpu", shared: SharedMemoryLimit? = nil
    ) {
        self.init(
            threads: threads, limitBytes: limitBytes, compute: compute, instructions: nil, name: name, shared: shared)
    }

    /// - Parameter instructions: nil takes the widest of this CPU; less lets tests reach what other CPUs do.
    /// - Parameter products: nil takes what is best on this CPU.
    package init(
        threads: Int? = nil, limitBytes: Int? = nil, compute: ComputePrecision,
        instructions: HostInstructions?, name: String = "cpu", shared: SharedMemoryLimit? = nil,
        products: ProductKernels? = nil
    ) {
        self.name = name
        self.compute = compute
        self.instructions = instructions ?? HostInstructions.ofThisCPU
        let isWidest = self.instructions == .avx512
        multipliesBFloat16 = compute != .float32 && ComputePrecision.hasBFloat16Instructions && isWidest
        pairKernels = PairKernels(self.instructions)
        self.products = products ?? .ofThisCPU
        let hasPairs = self.instructions == .avx2 || self.products == .pairs && pairKernels == .vnni
        multipliesPairs = compute != .float32 && hasPairs
        multipliesInt8 = compute == .int8 && self.instructions != .portable
        multipliesInTiles = isWidest
        workers = Workers(count: threads ?? ProcessorCount.available)
        allocator = HostAllocator(limitBytes: limitBytes, deviceName: name, shared: shared)
        matrixProducts = MatrixProductCache()
        openblas_set_num_threads(1)
        mica_bound_heap()
    }

    /// A rehearsal of `backend`: the same code with the same numbers, but memory is counted only and no task is run.
    /// What touches data outside of `workers` must ask `isRehearsing` first.
    private init(rehearsing backend: CPUBackend, limitBytes: Int?) {
        name = backend.name
        compute = backend.compute
        multipliesBFloat16 = backend.multipliesBFloat16
        multipliesPairs = backend.multipliesPairs
        pairKernels = backend.pairKernels
        multipliesInt8 = backend.multipliesInt8
        multipliesInTiles = backend.multipliesInTiles
        products = backend.products
        instructions = backend.instructions
        workers = Workers(count: backend.workers.count, isRehearsing: true)
        allocator = HostAllocator(limitBytes: limitBytes, deviceName: backend.name, isRehearsing: true)
        matrixProducts = backend.matrixProducts
    }

    public func rehearsal(limitBytes: Int?) -> any Backend {
        CPUBackend(rehearsing: self, limitBytes: limitBytes)
    }

    public var holdsData: Bool { !isRehearsing }

    /// True if tensors have no memory behind them.
    var isRehearsing: Bool { workers.isRehearsing }

    public var memory: MemoryUse { allocator.memory }

    /// Allocations so far.
    package var allocationCount: Int { allocator.allocationCount }

    /// Has one allocation fail, after `count` that do not; nil takes it back. For tests of what happens then.
    package func failAllocation(after count: Int?) { allocator.failRequest(after: count) }

    public var limitBytes: Int? { allocator.smallestLimitBytes }

    public func stagingMemory(byteCount: Int) throws(TensorError) -> any StagingMemory {
        let block = try allocator.allocate(byteCount, operation: "staged weights")
        return HostStaging(base: block, byteCount: byteCount, allocator: allocator, holdsData: !isRehearsing)
    }

    public func setMemoryPressure(_ relieve: (@Sendable () -> Bool)?) { allocator.setPressure(relieve) }

    public func resetPeak() { allocator.resetPeak() }

    public func releaseUnusedMemory() {
        allocator.releaseKept()
        // Small tensors, and arrays of the host, come from the heap, which keeps what is freed inside of it.
        if !isRehearsing { mica_trim_heap() }
    }

    public func allocate(_ shape: Shape, _ dtype: DType) throws(TensorError) -> Tensor {
        try allocate(shape, dtype, operation: "a tensor \(shape)")
    }

    func allocate(_ shape: Shape, _ dtype: DType, operation: String) throws(TensorError) -> Tensor {
        let byteCount = dtype.byteCount(of: shape)
        let block = try allocator.allocate(byteCount, operation: operation)
        return Tensor(
            storage: HostStorage(base: block, byteCount: byteCount, allocator: allocator), shape: shape, dtype: dtype)
    }

    public func upload(_ values: [Float], _ shape: Shape) throws(TensorError) -> Tensor {
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        return try upload(shape) { values }
    }

    public func upload(_ shape: Shape, _ values: () -> [Float]) throws(TensorError) -> Tensor {
        let tensor = try allocate(shape, .float32)
        guard !isRehearsing else { return tensor }
        let values = values()
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        values.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { tensor.rawPointer.copyMemory(from: base, byteCount: bytes.count) }
        }
        return tensor
    }

    public func download(_ tensor: Tensor) throws(TensorError) -> [Float] {
        guard tensor.storage.deviceName == name else {
            throw .wrongDevice(operation: "download", device: name, found: tensor.storage.deviceName)
        }
        guard !isRehearsing else { return [Float](repeating: 0, count: tensor.elementCount) }
        return Array(UnsafeBufferPointer(start: tensor.floats, count: tensor.elementCount))
    }

    public func execute(_ operation: Operation) throws(TensorError) {
        operation.validate()
        try operation.checkDevice(name)
        switch operation {
        case .linear(let input, let weight, let bias, let activation, let output):
            try linear(input, weight, bias, activation, output)
        case .attention(let query, let key, let value, let layout, let output):
            try attention(query, key, value, layout, output)
        case .convolution(let input, let weight, let bias, let geometry, let addend, let output):
            try convolution(input, weight, bias, geometry, addend, output)
        case .gatherRows(let table, let indices, let output):
            try gatherRows(table, indices, output)
        case .permute(let input, let axes, let output):
            permute(input, axes, output)
        default:
            rowOperation(operation)
        }
    }
}
