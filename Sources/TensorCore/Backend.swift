/// A device that holds tensors and carries out operations on them.
///
/// Calls come from one thread at a time (the worker that owns the device). A backend may return from `execute` before
/// the work is done; `download` waits for it.
public protocol Backend: AnyObject, Sendable {
    /// What users call the device: `cpu`, `cuda:0`.
    var name: String { get }

    /// Memory for a tensor, its contents undefined. Throws `outOfMemory` if it does not fit the budget.
    func allocate(_ shape: Shape, _ dtype: DType) throws(TensorError) -> Tensor

    /// Carries out one operation. Operands that break the operation's shape rules are a programming error and trap.
    func execute(_ operation: Operation) throws(TensorError)

    /// A float32 tensor with these values, row-major.
    func upload(_ values: [Float], _ shape: Shape) throws(TensorError) -> Tensor

    /// As `upload` of `values()`, which a backend without data does not ask for: a forecast makes no large arrays.
    func upload(_ shape: Shape, _ values: () -> [Float]) throws(TensorError) -> Tensor

    /// The values of a float32 tensor, row-major, after all work on it is done.
    func download(_ tensor: Tensor) throws(TensorError) -> [Float]

    /// A weight matrix or table in the checkpoint's own element type;
    /// a host backend shares the bytes instead of copying them.
    func weight(_ tensor: HostTensor) throws(TensorError) -> Tensor

    /// A large matrix inside of a block, held in `form` if that takes fewer bits than it has, as it comes without one;
    /// embeddings, norms, input and output projections and modulation come through `weight`.
    func blockWeight(_ tensor: HostTensor, as form: WeightForm?) throws(TensorError) -> Tensor

    /// A small parameter (bias, norm weight, one row of a table) as float32.
    func parameter(_ tensor: HostTensor) throws(TensorError) -> Tensor

    /// A convolution's weight [Cout, Cin, kh, kw], or [Cout, Cin, kt, kh, kw] of which the last time slice alone meets
    /// data when there is one frame, in whatever layout this backend convolves with.
    func convolutionWeight(_ tensor: HostTensor) throws(TensorError) -> Tensor

    /// The rows `indices` of a table [R, C] that stays where it is, as [indices.count, C] float32: an embedding, of
    /// which a prompt needs a few rows.
    func rows(_ indices: [Int32], of table: HostTensor) throws(TensorError) -> Tensor

    /// True if `weight` only begins to copy, and the copy runs beside arithmetic that was asked for before: then blocks
    /// stream without being staged on the host.
    var copiesAhead: Bool { get }

    /// Host memory to stage weights in, from which this backend takes them fastest; on the host it is device memory
    /// too. Throws `outOfMemory` if it does not fit the budget.
    func stagingMemory(byteCount: Int) throws(TensorError) -> any StagingMemory

    /// Sets what is called, on the caller's thread, before an allocation fails for the limit: it may give back memory
    /// of this backend (weights that can be read again) and returns true if it did, and the allocation is tried again.
    func setMemoryPressure(_ relieve: (@Sendable () -> Bool)?)

    /// Bytes that may be in use at once; nil if nothing bounds them.
    var limitBytes: Int? { get }

    /// False for a backend whose tensors have a size and no contents.
    var holdsData: Bool { get }

    /// Gives memory that is kept for reuse back to the system; called between stages.
    func releaseUnusedMemory()

    /// Bytes allocated for tensors now, and the most there have been since `resetPeak`.
    var memory: MemoryUse { get }

    /// Starts a new peak at the bytes in use now.
    func resetPeak()

    /// Waits until all work that was asked for is done; a host's work is done when `execute` returns.
    func synchronize() throws(TensorError)

    /// Rows of the widest activations that are computed at once: enough for products to run at full speed, and no more
    /// memory than that takes.
    var rowsAtOnce: Int { get }

    /// True once a failure has ended the device's context: the backend and all its tensors are of no use any more.
    var isLost: Bool { get }

    /// A backend that takes and gives back memory exactly as this one does, but holds no data and computes nothing:
    /// what forecasts run on. Nothing of it touches this backend.
    ///
    /// - Parameter limitBytes: the budget that it checks; nil for none.
    func rehearsal(limitBytes: Int?) -> any Backend
}

/// Bytes that a device holds: tensors, staged weights, and weights that are lent from a mapped checkpoint.
public struct MemoryUse: Sendable, Hashable {
    /// Now, and at most since the peak was reset.
    public var usedBytes: Int
    public var peakBytes: Int
    /// Of those used now, what is lent from a mapped checkpoint.
    public var lentBytes: Int
    /// At most since the peak was reset, without what was lent.
    public var peakOwnBytes: Int
    /// At most since the peak was reset, with blocks that are kept for reuse: what a device's own count shows.
    public var peakHeldBytes: Int

    /// Counts of bytes; with nothing lent the two peaks are one, and with nothing kept so is the third.
    public init(usedBytes: Int, peakBytes: Int, lentBytes: Int = 0, peakOwnBytes: Int? = nil, peakHeldBytes: Int? = nil)
    {
        self.usedBytes = usedBytes
        self.peakBytes = peakBytes
        self.lentBytes = lentBytes
        self.peakOwnBytes = peakOwnBytes ?? peakBytes
        self.peakHeldBytes = peakHeldBytes ?? peakBytes
    }
}
