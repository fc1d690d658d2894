import CCUDA
import HostLimits
import Synchronization
import TensorCore

/// Host memory that the driver keeps in place for copies: registered once for all devices of the process, as the driver
/// wants it, and let go of when the last one ends.
///
/// What is registered cannot leave memory, whatever the system needs it for, so that there is a bound to it.
final class HostRegistry: Sendable {
    static let shared = HostRegistry()

    /// What became of memory that was to be registered.
    enum Outcome: Equatable {
        case registered
        /// Another device is having it registered.
        case underWay
        /// It would be more than the bound.
        case beyondLimit
        /// The driver does not want it.
        case refused(code: Int32)
    }

    private struct Entry {
        /// Kept, so that its pages stay mapped as long as they are registered.
        let memory: any HostMemory
        let start: UInt
        let byteCount: Int
        /// In whose context it was registered, with which that ends; nil if somebody else had done it.
        let registrar: ObjectIdentifier?
        /// The registrar's, kept so that its context is there as long as others copy from what was registered in it.
        let device: CUDADevice
        /// Who copies from it.
        var holders: Set<ObjectIdentifier>
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        /// What the driver is registering.
        var underWay: Set<ObjectIdentifier> = []
        /// Of entries, and of what is under way.
        var byteCount = 0
    }

    private let state = Mutex(State())

    /// Registers memory for a holder, unless it is; the device's context is current.
    ///
    /// - Parameter limitBytes: all that is registered, this included, is to be no more; nil for any.
    func hold(
        _ memory: any HostMemory, for holder: ObjectIdentifier, on device: CUDADevice, limitBytes: Int?
    ) -> Outcome {
        let key = ObjectIdentifier(memory)
        guard let (first, count) = Self.pages(of: memory), let address = UnsafeMutableRawPointer(bitPattern: first)
        else { return .refused(code: 0) }
        let known: Outcome? = state.withLock { state in
            if state.entries[key] != nil {
                state.entries[key]?.holders.insert(holder)
                return .registered
            }
            if state.underWay.contains(key) { return .underWay }
            guard state.byteCount + count <= limitBytes ?? .max else { return .beyondLimit }
            state.underWay.insert(key)
            state.byteCount += count
            return nil
        }
        if let known { return known }
        // Without the lock: many pages take the driver seconds, in which other devices copy.
        let code = Self.register(address, count, on: device)
        let isForeign = code == Int32(MICA_CUDA_ALREADY_REGISTERED)
        return state.withLock { state in
            state.underWay.remove(key)
            guard code == 0 || isForeign else {
                state.byteCount -= count
                return .refused(code: code)
            }
            state.entries[key] = Entry(
                memory: memory, start: first, byteCount: count, registrar: isForeign ? nil : holder, device: device,
                holders: [holder])
            return .registered
        }
    }

    /// Lets go of all that a holder has. With a device that was lost the driver has let go of it already.
    func letGo(_ holder: ObjectIdentifier, of device: CUDADevice) {
        let isThere = (try? device.enter()) != nil
        state.withLock { state in
            for (key, entry) in state.entries where entry.holders.contains(holder) {
                state.entries[key]?.holders.remove(holder)
                let isLast = entry.holders.count == 1
                guard isLast || (!isThere && entry.registrar == holder) else { continue }
                if entry.registrar != nil, (try? entry.device.enter()) != nil {
                    _ = device.driver.cuMemHostUnregister(UnsafeMutableRawPointer(bitPattern: entry.start))
                }
                state.byteCount -= entry.byteCount
                state.entries[key] = nil
            }
        }
        // The registrar's context was entered, or has ended here.
        if isThere { try? device.enter() }
    }

    private static func register(_ address: UnsafeMutableRawPointer, _ count: Int, on device: CUDADevice) -> Int32 {
        let flags = MICA_REGISTER_PORTABLE | (device.registersReadOnly ? MICA_REGISTER_READ_ONLY : 0)
        var code = device.driver.cuMemHostRegister_v2(address, count, UInt32(flags))
        if code != 0, code != Int32(MICA_CUDA_ALREADY_REGISTERED), device.registersReadOnly {
            // Memory that may be written is not registered as read-only by every driver.
            code = device.driver.cuMemHostRegister_v2(address, count, UInt32(MICA_REGISTER_PORTABLE))
        }
        if code != 0 { CUDALog.note("cuMemHostRegister(\(count) bytes) answered \(code)") }
        return code
    }

    /// Address and bytes of the pages that memory lies in.
    private static func pages(of memory: any HostMemory) -> (UInt, Int)? {
        memory.withUnsafeBytes { bytes -> (UInt, Int)? in
            guard let base = bytes.baseAddress else { return nil }
            let page = PageSize.bytes
            let first = UInt(bitPattern: base) / UInt(page) * UInt(page)
            let end = UInt(bitPattern: base) + UInt(bytes.count)
            return (first, Int(end - first + UInt(page) - 1) / page * page)
        }
    }
}
