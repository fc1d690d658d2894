import CCUDA
import Synchronization
import TensorCore

/// One GPU: its primary context, a stream for arithmetic and one for copies of weights.
///
/// After an error that the context does not survive, the device is lost: every later call throws, what is freed is left
/// to the driver, and a new `CUDADevice` starts with a fresh context.
// @unchecked because handles are fixed at creation; the driver's functions may be called from any thread.
final class CUDADevice: @unchecked Sendable {
    let libraries: CUDALibraries
    let ordinal: Int
    /// `cuda:0`
    let name: String
    /// `NVIDIA H200`
    let model: String
    let capability: (major: Int, minor: Int)
    let multiprocessors: Int
    /// Shared memory that a block may ask for.
    let sharedBytes: Int
    let totalBytes: Int
    /// True if read-only host memory can be registered for copies.
    let registersReadOnly: Bool
    let compute: UnsafeMutableRawPointer
    let copies: UnsafeMutableRawPointer
    /// True if there is no device: memory is counted and nothing is computed.
    let isRehearsal: Bool
    /// `00000000:17:00.0`; nil if the driver does not say.
    private let pciAddress: String?
    private let handle: Int32
    private let context: UnsafeMutableRawPointer
    private let lost = Atomic<Bool>(false)

    var driver: MicaCUDADriver { libraries.driver }

    /// The oldest generation that has bfloat16 on its matrix units.
    private static let oldestMajor = 8

    /// Errors after which a context answers nothing but errors.
    private static let stickyCodes: Set<Int32> = [
        214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721,
    ]

    /// - Throws: `noDevice`, `tooOld`, or what the driver says.
    init(_ libraries: CUDALibraries, ordinal: Int) throws(CUDAUnavailable) {
        guard ordinal < libraries.deviceCount else { throw .noDevice(index: ordinal, count: libraries.deviceCount) }
        let driver = libraries.driver
        self.libraries = libraries
        self.ordinal = ordinal
        name = "cuda:\(ordinal)"
        var handle: Int32 = 0
        try CUDALibraries.check(driver, driver.cuDeviceGet(&handle, Int32(ordinal)), "cuDeviceGet")
        self.handle = handle
        model = Self.text(256) { driver.cuDeviceGetName($0, $1, handle) } ?? "unknown device"
        func attribute(_ index: Int) throws(CUDAUnavailable) -> Int {
            var value: Int32 = 0
            try CUDALibraries.check(
                driver, driver.cuDeviceGetAttribute(&value, Int32(index), handle), "cuDeviceGetAttribute")
            return Int(value)
        }
        capability = (try attribute(Int(MICA_DEVICE_MAJOR)), try attribute(Int(MICA_DEVICE_MINOR)))
        guard capability.major >= Self.oldestMajor else {
            throw .tooOld(
                device: model, capability: "\(capability.major).\(capability.minor)", needed: "\(Self.oldestMajor).0")
        }
        multiprocessors = try attribute(Int(MICA_DEVICE_MULTIPROCESSORS))
        sharedBytes = try attribute(Int(MICA_DEVICE_SHARED_BYTES_OPTIN))
        registersReadOnly = try attribute(Int(MICA_DEVICE_READ_ONLY_REGISTER)) != 0
        var total = 0
        try CUDALibraries.check(driver, driver.cuDeviceTotalMem_v2(&total, handle), "cuDeviceTotalMem")
        totalBytes = total
        pciAddress = Self.text(64) { driver.cuDeviceGetPCIBusId($0, $1, handle) }
        let management = libraries.management
        ContextMemory.note(ordinal, pciAddress.flatMap { management?.usedBytes(pciAddress: $0) })
        var context: UnsafeMutableRawPointer?
        try CUDALibraries.check(driver, driver.cuDevicePrimaryCtxRetain(&context, handle), "cuDevicePrimaryCtxRetain")
        var compute: UnsafeMutableRawPointer?
        var copies: UnsafeMutableRawPointer?
        try CUDALibraries.check(driver, driver.cuCtxSetCurrent(context), "cuCtxSetCurrent")
        let flags = UInt32(MICA_STREAM_NON_BLOCKING)
        try CUDALibraries.check(driver, driver.cuStreamCreate(&compute, flags), "cuStreamCreate")
        try CUDALibraries.check(driver, driver.cuStreamCreate(&copies, flags), "cuStreamCreate")
        guard let context, let compute, let copies else {
            throw .driver(call: "cuStreamCreate", code: 0, problem: "no handle")
        }
        self.context = context
        self.compute = compute
        self.copies = copies
        isRehearsal = false
    }

    /// A device with the numbers of another, which does nothing.
    init(rehearsing device: CUDADevice) {
        libraries = CUDALibraries(rehearsing: device.libraries)
        ordinal = device.ordinal
        name = device.name
        model = device.model
        capability = device.capability
        multiprocessors = device.multiprocessors
        sharedBytes = device.sharedBytes
        totalBytes = device.totalBytes
        registersReadOnly = device.registersReadOnly
        pciAddress = device.pciAddress
        compute = device.compute
        copies = device.copies
        handle = device.handle
        context = device.context
        isRehearsal = true
    }

    deinit {
        guard !isLost else { return }
        _ = driver.cuCtxSetCurrent(context)
        _ = driver.cuStreamDestroy_v2(compute)
        _ = driver.cuStreamDestroy_v2(copies)
        _ = driver.cuDevicePrimaryCtxRelease_v2(handle)
    }

    /// True once an error has ended the context.
    var isLost: Bool { lost.load(ordering: .acquiring) }

    /// The name for which kernels are compiled: `sm_90a`, `sm_86`.
    var architecture: String {
        // From Hopper on the suffix opens the instructions of that one chip; cubins are made for this device alone.
        "sm_\(capability.major)\(capability.minor)" + (capability.major >= 9 ? "a" : "")
    }

    /// Makes the context current on this thread; called at each entry from outside.
    func enter() throws(TensorError) {
        if isLost { throw .deviceLost(device: name) }
        try check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent")
    }

    /// Throws unless `code` is success. An error that the context does not survive makes the device lost.
    func check(_ code: Int32, _ call: String) throws(TensorError) {
        guard code != 0 else { return }
        let problem = CUDALibraries.problem(driver, code)
        CUDALog.note("\(call) answered \(code) (\(problem))")
        if Self.stickyCodes.contains(code) { lose() }
        throw .device(device: name, call: call, code: Int(code), problem: problem)
    }

    /// Waits until all arithmetic that was asked for is done.
    func synchronize() throws(TensorError) {
        try check(driver.cuStreamSynchronize(compute), "cuStreamSynchronize")
    }

    /// Free and total bytes by the driver's own count, all processes together.
    func memory() throws(TensorError) -> (free: Int, total: Int) {
        var free = 0
        var total = 0
        try check(driver.cuMemGetInfo_v2(&free, &total), "cuMemGetInfo")
        return (free, total)
    }

    /// Bytes in use by all processes, by the driver's management library; nil where there is none.
    var usedBytes: Int? {
        pciAddress.flatMap { libraries.management?.usedBytes(pciAddress: $0) }
    }

    /// Ends the context, so that the next `CUDADevice` begins with a fresh one.
    private func lose() {
        guard !lost.exchange(true, ordering: .acquiringAndReleasing) else { return }
        _ = driver.cuDevicePrimaryCtxReset_v2(handle)
    }

    /// A text that the driver writes into so many bytes; nil if it refuses.
    private static func text(_ count: Int32, _ write: (UnsafeMutablePointer<CChar>, Int32) -> Int32) -> String? {
        var text = [CChar](repeating: 0, count: Int(count))
        let code = text.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map { write($0, count) } }
        guard code == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
