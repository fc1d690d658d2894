import CCUDA
import TensorCore

import class Foundation.ProcessInfo
import struct Foundation.URL

/// An NVIDIA GPU: cuBLASLt for products, cuDNN or own kernels for attention, cuDNN or products for convolutions, own
/// kernels for the rest.
///
/// Work is asked for and done later, in order, on one stream; weights arrive on a second one, so that copies hide
/// behind arithmetic. `download` waits.
// @unchecked because what changes belongs to the one thread that owns the backend; the pool locks.
public final class CUDABackend: Backend, @unchecked Sendable {
    /// What matrices are multiplied in; sums, norms and softmax are float32 in every case.
    public enum Precision: String, Sendable, CaseIterable {
        /// Products of float32, activations in float32.
        case float32
        /// Products of operands rounded to bfloat16, large activations kept in bfloat16.
        case bfloat16
    }

    /// How a device is used.
    public struct Options: Sendable {
        /// What matrices are multiplied in.
        public var precision: Precision = .bfloat16
        /// Bound on device memory for tensors and work space, and for CUDA's own if that is counted; nil sets none.
        public var limitBytes: Int?
        /// True makes what the device has free when it is opened the bound, where no other is given, so that plans are
        /// made for what is there. Wants `countsContext`.
        public var limitsToFree = false
        /// True counts what CUDA itself takes as memory in use from the start, so that limits, peaks and forecasts are
        /// those of the driver's own count. It is measured once a process by having every library work a little.
        public var countsContext = false
        /// Where compiled kernels are kept; nil keeps none.
        public var kernelCache: URL? = CubinCache.userFolder
        /// Kernels that were compiled beforehand, for machines without NVRTC; looked into first.
        public var compiledKernels: URL? = CubinCache.bundledFolder
        /// Activations of at least this many elements lie in bfloat16, if that is the precision.
        public var narrowElements = 1 << 20
        /// False leaves attention to Mica's own kernels and convolutions to products, for comparisons.
        public var usesNeuralNetworkLibrary = true
        /// False leaves convolutions to products. `MICA_CUDA_CONVOLUTIONS=0` makes it false.
        public var usesConvolutionPlans = ProcessInfo.processInfo.environment["MICA_CUDA_CONVOLUTIONS"] != "0"
        /// True multiplies matrices of 8 bits with inputs rounded to 8 bits, where the chip can; else they are widened.
        public var multipliesEightBits = true
        /// False leaves products to Mica's own kernels, for comparisons.
        public var usesProductLibrary = true

        /// Bound on host memory, of all devices together, that is registered with the driver to be copied from where it
        /// is, and cannot leave memory then; what is beyond passes through pinned slots. Nil sets none.
        public var registeredLimitBytes: Int?

        /// Products of at least so many floating-point operations are done in the fastest of several ways that
        /// cuBLASLt offers, found by timing them once; nil takes its first choice. `MICA_CUDA_TIMING=0` makes it nil.
        public var leastTimedWork: Int? =
            ProcessInfo.processInfo.environment["MICA_CUDA_TIMING"] == "0" ? nil : 4_000_000_000

        /// Bound on the time that this takes in all.
        public var timingLimit = ProductChoices.usualLimit

        /// The defaults.
        public init() {}
    }

    public let name: String
    /// As the driver calls the device: `NVIDIA H200`.
    public var model: String { device.model }
    /// Libraries that were found and do not start on this device, mostly for an older driver, and what follows.
    public let problems: [String]
    let device: CUDADevice
    let pool: DevicePool
    /// What CUDA itself takes, if that is counted.
    private let contextBytes: Int
    let kernels: KernelLibrary
    let options: Options
    let staging: HostStaging
    /// cuBLASLt, or nil.
    let products: MatrixProducts?
    /// cuDNN, or nil.
    let attentionPlans: AttentionPlans?
    /// cuDNN, or nil: in a rehearsal too, as a convolution takes the same memory either way.
    let convolutionPlans: ConvolutionPlans?
    /// See `scratch`.
    var temporaries: [CUDAStorage] = []
    /// The windows of the last segmented attention: the same ones come block after block.
    var segmentTiles: (boundaries: [Int], rows: Int, tiles: CUDAStorage)?

    /// Opens device `index`.
    ///
    /// - Throws: why it cannot be used.
    public init(
        _ libraries: CUDALibraries, index: Int = 0, options: Options = Options()
    ) throws(CUDAUnavailable) {
        let device = try CUDADevice(libraries, ordinal: index)
        self.device = device
        name = device.name
        contextBytes = options.countsContext ? Self.contextBytes(device, libraries, options) : 0
        var options = options
        if options.limitsToFree, options.limitBytes == nil {
            options.limitBytes = Self.freeBytes(device, contextBytes: contextBytes)
        }
        self.options = options
        let pool = DevicePool(device: device, limitBytes: options.limitBytes, heldBytes: contextBytes)
        self.pool = pool
        kernels = KernelLibrary(
            device: device, cacheFolder: options.kernelCache, compiledFolder: options.compiledKernels)
        staging = HostStaging(device: device, registeredLimitBytes: options.registeredLimitBytes)
        var problems: [String] = []
        products =
            options.usesProductLibrary
            ? MatrixProducts(
                device: device, pool: pool, choicesFolder: options.kernelCache,
                leastTimedWork: options.leastTimedWork, timingLimit: options.timingLimit, problems: &problems)
            : nil
        let library =
            options.usesNeuralNetworkLibrary && options.precision == .bfloat16
            ? DNNLibrary(device: device, problems: &problems) : nil
        attentionPlans = library.map { AttentionPlans($0) }
        convolutionPlans = options.usesConvolutionPlans ? library.flatMap { ConvolutionPlans($0) } : nil
        self.problems = problems
        for problem in problems { CUDALog.note(problem) }
    }

    /// A rehearsal of `backend`: the same code with the same numbers on a device that is none. What reads host memory
    /// must ask `holdsData` first.
    private init(rehearsing backend: CUDABackend, limitBytes: Int?) {
        let device = CUDADevice(rehearsing: backend.device)
        self.device = device
        var options = backend.options
        options.limitBytes = limitBytes
        self.options = options
        name = backend.name
        contextBytes = backend.contextBytes
        let pool = DevicePool(device: device, limitBytes: limitBytes, heldBytes: contextBytes)
        self.pool = pool
        kernels = KernelLibrary(device: device, cacheFolder: nil, compiledFolder: nil)
        staging = HostStaging(device: device, registeredLimitBytes: options.registeredLimitBytes)
        products = backend.products.map { MatrixProducts(rehearsing: $0, device: device, pool: pool) }
        // A plan says how much work space it takes: it is made where it will be used.
        attentionPlans = backend.attentionPlans
        convolutionPlans = nil
        problems = backend.problems
    }

    /// Measured on a backend without a limit, whose memory is all given back.
    private static func contextBytes(_ device: CUDADevice, _ libraries: CUDALibraries, _ options: Options) -> Int {
        ContextMemory.bytes(of: device) {
            var unbound = options
            unbound.limitBytes = nil
            unbound.countsContext = false
            unbound.limitsToFree = false
            (try? CUDABackend(libraries, index: device.ordinal, options: unbound))?.warmUp()
        }
    }

    /// What may be held beside other programs, the context that is there already and its margin counted; nil if the
    /// driver does not say.
    private static func freeBytes(_ device: CUDADevice, contextBytes: Int) -> Int? {
        guard (try? device.enter()) != nil, let free = try? device.memory().free else { return nil }
        return max(free + contextBytes - ContextMemory.marginBytes, 0)
    }

    deinit {
        if holdsData { CUDALog.reportTimes() }
    }

    public func rehearsal(limitBytes: Int?) -> any Backend {
        CUDABackend(rehearsing: self, limitBytes: limitBytes)
    }

    public var holdsData: Bool { !device.isRehearsal }

    public var memory: MemoryUse { pool.memory }

    public var isLost: Bool { device.isLost }

    /// With fewer rows a product leaves some of a large GPU's processors idle, and reads the weights more often.
    public static let rowsAtOnce = 4096

    public var rowsAtOnce: Int { Self.rowsAtOnce }

    /// What CUDA itself takes of a device that is not at hand, a margin included.
    public static var usualContextBytes: Int { ContextMemory.usualBytes }

    public var limitBytes: Int? { options.limitBytes }

    public var copiesAhead: Bool { true }

    /// Never asked for: blocks are staged only for backends that do not copy ahead.
    public func stagingMemory(byteCount: Int) throws(TensorError) -> any StagingMemory {
        preconditionFailure("\(name) copies weights from where they are mapped")
    }

    public func setMemoryPressure(_ relieve: (@Sendable () -> Bool)?) { pool.setPressure(relieve) }

    public func resetPeak() { pool.resetPeak() }

    public func releaseUnusedMemory() {
        guard (try? device.enter()) != nil else { return }
        segmentTiles = nil
        products?.releaseWorkspace()
        pool.releaseKept()
    }

    /// Bytes in use and in all by the driver's own count, those of other processes included.
    public func driverMemory() throws(TensorError) -> (usedBytes: Int, totalBytes: Int) {
        try device.enter()
        let memory = try device.memory()
        return (memory.total - memory.free, memory.total)
    }

    public func synchronize() throws(TensorError) {
        try device.enter()
        try device.synchronize()
    }

    public func allocate(_ shape: Shape, _ dtype: DType) throws(TensorError) -> Tensor {
        try device.enter()
        return try allocate(shape, dtype, operation: "a tensor \(shape)")
    }

    func allocate(_ shape: Shape, _ dtype: DType, operation: String) throws(TensorError) -> Tensor {
        let storage = try CUDAStorage(shape.elementCount * dtype.byteCount, pool: pool, operation: operation)
        return Tensor(storage: storage, shape: shape, dtype: dtype)
    }

    /// Memory for intermediate values, held until the operation at hand was asked for in full: freed earlier, a second
    /// request of the same operation could get the block before the kernel that reads it has started.
    func scratch(_ count: Int, _ elements: Elements, operation: String) throws(TensorError) -> CUDAStorage {
        let storage = try CUDAStorage(
            max(count, 1) * elements.byteCount, pool: pool, operation: operation, elements: elements)
        temporaries.append(storage)
        return storage
    }

    public func upload(_ values: [Float], _ shape: Shape) throws(TensorError) -> Tensor {
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        let tensor = try allocate(shape, .float32)
        tensor.cuda.elements = .float32
        try upload(values, to: tensor.cuda)
        return tensor
    }

    public func upload(_ shape: Shape, _ values: () -> [Float]) throws(TensorError) -> Tensor {
        guard !holdsData else { return try upload(values(), shape) }
        let tensor = try allocate(shape, .float32)
        tensor.cuda.elements = .float32
        return tensor
    }

    /// Copies an array to the start of a block, after the arithmetic that was asked for before.
    func upload(_ values: [some BitwiseCopyable], to storage: CUDAStorage) throws(TensorError) {
        guard !values.isEmpty else { return }
        // From memory that is not registered, the call returns once the bytes are taken.
        let code = values.withUnsafeBytes {
            device.driver.cuMemcpyHtoDAsync_v2(storage.address, $0.baseAddress, $0.count, device.compute)
        }
        try device.check(code, "cuMemcpyHtoDAsync")
    }

    public func download(_ tensor: Tensor) throws(TensorError) -> [Float] {
        try device.enter()
        precondition(tensor.dtype == .float32, "download of \(tensor.dtype)")
        guard tensor.elementCount > 0 else { return [] }
        defer { temporaries.removeAll() }
        let view = try readable(tensor, as: .float32)
        var values = [Float](repeating: 0, count: tensor.elementCount)
        let code = values.withUnsafeMutableBytes {
            device.driver.cuMemcpyDtoHAsync_v2($0.baseAddress, view.address, $0.count, device.compute)
        }
        try device.check(code, "cuMemcpyDtoHAsync")
        try device.synchronize()
        return values
    }

    public func execute(_ operation: Operation) throws(TensorError) {
        operation.validate()
        try operation.checkDevice(name)
        try device.enter()
        let written = operation.written.cuda
        // A product may read what was rounded; whatever else comes has no use for it.
        if case .linear = operation {} else { written.rounding = nil }
        written.rounded = nil
        defer {
            written.rounding = nil
            temporaries.removeAll()
        }
        guard CUDALog.waitsForEach else { return try carryOut(operation) }
        let start = ContinuousClock.now
        try carryOut(operation)
        let code = device.driver.cuStreamSynchronize(device.compute)
        let text = CUDALog.describe(operation)
        CUDALog.count(text, ContinuousClock.now - start)
        try device.check(code, "cuStreamSynchronize after \(text)")
    }

    private func carryOut(_ operation: Operation) throws(TensorError) {
        switch operation {
        case .linear(let input, let weight, let bias, let activation, let output):
            if let matrix = weight.storage as? QuantizedMatrix {
                try linear(input, weight, matrix, bias, activation, output)
            } else {
                try linear(input, weight, bias, activation, output)
            }
        case .attention(let query, let key, let value, let layout, let output):
            try attention(query, key, value, layout, output)
        case .convolution(let input, let weight, let bias, let geometry, let addend, let output):
            try convolution(input, weight, bias, geometry, addend, output)
        case .layerNorm, .rmsNorm, .headNormRotary, .channelNorm:
            try norm(operation)
        default:
            try elementwise(operation)
        }
    }
}
