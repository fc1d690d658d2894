import CCUDA
import TensorCore

/// Host memory that the driver keeps in place, so that copies to the device run at full speed beside everything else.
// @unchecked because the pointer is fixed at creation, and the one who fills the memory hands it on when it is done.
final class PinnedMemory: StagingMemory, @unchecked Sendable {
    let byteCount: Int
    var holdsData: Bool { !device.isRehearsal }
    private let base: UnsafeMutableRawPointer
    private let device: CUDADevice

    /// - Throws: what the driver says, mostly that the host has no more memory to pin.
    init(byteCount: Int, device: CUDADevice) throws(TensorError) {
        var address: UnsafeMutableRawPointer?
        try device.check(device.driver.cuMemAllocHost_v2(&address, max(byteCount, 1)), "cuMemAllocHost")
        guard let address else { preconditionFailure("cuMemAllocHost gave no address") }
        self.byteCount = byteCount
        self.device = device
        base = address
    }

    deinit {
        if (try? device.enter()) != nil { _ = device.driver.cuMemFreeHost(base) }
    }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    func withUnsafeMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }
}
