import CCUDA
import Synchronization
import TensorCore

/// One GPU: its primary context, a stream for arithmetic and one for copies of weights.
///
/// After an error that the context does not survive, the device is lost: every later call throws, what is freed is left
/// to the driver, and a new `CUDADevice` starts with a fresh context, or throws if the driver gives none.
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
    /// How often the device's context had been ended before this one was made.
    let generation: Int
    private let lost = Atomic<Bool>(false)

    /// How often each device's context was ended, by ordinal. All of a process share one a device: the first that loses
    /// it ends it, for the others too, which must not end its successor.
    private static let generations = Mutex<[Int: Int]>([:])

    var driver: MicaCUDADriver { libraries.driver }

    /// The oldest generation that has bfloat16 on its matrix units.
    private static let oldestMajor = 8

    /// Errors after which a context answers nothing but errors; of an unknown one (999) the best that can be thought is
    /// that a fresh context has not seen it.
    private static let stickyCodes: Set<Int32> = [
        214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 999,
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
        // One that comes between the two lines is noted by whoever ended its predecessor, or not at all.
        let next = ContextMemory.Context(
            ordinal: ordinal, generation: Self.generations.withLock { $0[ordinal, default: 0] })
        ContextMemory.note(next, pciAddress.flatMap { management?.usedBytes(pciAddress: $0) })
        let made = try Self.context(libraries, ordinal, handle)
        generation = made.generation
        context = made.context
        do throws(CUDAUnavailable) {
            (compute, copies) = try Self.streams(driver, in: made.context)
        } catch {
            _ = driver.cuDevicePrimaryCtxRelease_v2(handle)
            throw error
        }
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
        generation = device.generation
        isRehearsal = true
    }

    deinit {
        if !isLost {
            _ = driver.cuCtxSetCurrent(context)
            _ = driver.cuStreamDestroy_v2(compute)
            _ = driver.cuStreamDestroy_v2(copies)
        }
        // A context that was reset is still held by those who asked for it.
        _ = driver.cuDevicePrimaryCtxRelease_v2(handle)
    }

    /// Holds the device's context.
    private static func context(
        _ libraries: CUDALibraries, _ ordinal: Int, _ handle: Int32
    ) throws(CUDAUnavailable) -> (context: UnsafeMutableRawPointer, generation: Int) {
        let driver = libraries.driver
        let (code, context, generation) = generations.withLock { generations in
            var address: UnsafeMutableRawPointer?
            let code = driver.cuDevicePrimaryCtxRetain(&address, handle)
            return (code, UInt(bitPattern: address), generations[ordinal, default: 0])
        }
        try CUDALibraries.check(driver, code, "cuDevicePrimaryCtxRetain")
        guard let context = UnsafeMutableRawPointer(bitPattern: context) else {
            throw .driver(call: "cuDevicePrimaryCtxRetain", code: 0, problem: "no handle")
        }
        return (context, generation)
    }

    private static func streams(
        _ driver: MicaCUDADriver, in context: UnsafeMutableRawPointer
    ) throws(CUDAUnavailable) -> (compute: UnsafeMutableRawPointer, copies: UnsafeMutableRawPointer) {
        try CUDALibraries.check(driver, driver.cuCtxSetCurrent(context), "cuCtxSetCurrent")
        let compute = try stream(driver)
        do throws(CUDAUnavailable) {
            return (compute, try stream(driver))
        } catch {
            _ = driver.cuStreamDestroy_v2(compute)
            throw error
        }
    }

    /// A stream of the current context.
    private static func stream(_ driver: MicaCUDADriver) throws(CUDAUnavailable) -> UnsafeMutableRawPointer {
        var stream: UnsafeMutableRawPointer?
        let code = driver.cuStreamCreate(&stream, UInt32(MICA_STREAM_NON_BLOCKING))
        try CUDALibraries.check(driver, code, "cuStreamCreate")
        guard let stream else { throw .driver(call: "cuStreamCreate", code: 0, problem: "no handle") }
        return stream
    }

    /// True once an error has ended the context, here or with another of this process who shares it: its handle may
    /// then stand for the context that came after it, in which nothing of this one's is.
    var isLost: Bool {
        guard !isRehearsal else { return false }
        return lost.load(ordering: .acquiring)
            || Self.generations.withLock { $0[ordinal, default: 0] } != generation
    }

    /// The names for which kernels are compiled, the best first: `sm_103`, then those of lower minor versions, whose
    /// code runs here too, for compilers and bundles that do not know this one.
    var architectures: [String] { Self.architectures(major: capability.major, minor: capability.minor) }

    static func architectures(major: Int, minor: Int) -> [String] {
        // Without the suffix `a`, which opens instructions that no kernel has and ties code to one chip.
        (0...max(minor, 0)).reversed().map { "sm_\(major)\($0)" }
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
        let code = Self.generations.withLock { generations -> Int32 in
            guard generations[ordinal, default: 0] == generation else { return 0 }
            generations[ordinal] = generation + 1
            return driver.cuDevicePrimaryCtxReset_v2(handle)
        }
        if code != 0 { CUDALog.note("cuDevicePrimaryCtxReset answered \(code)") }
    }

    /// A text that the driver writes into so many bytes; nil if it refuses.
    private static func text(_ count: Int32, _ write: (UnsafeMutablePointer<CChar>, Int32) -> Int32) -> String? {
        var text = [CChar](repeating: 0, count: Int(count))
        let code = text.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map { write($0, count) } }
        guard code == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }
}
