import CCUDA
import Glibc
import TensorCore

/// Ways from host memory to the device at full speed: large mappings are registered with the driver once and copied
/// from in place; where that is refused, and for small memory, bytes pass through two pinned slots in turn.
// @unchecked because it is used by the one thread that owns the backend.
final class HostStaging: @unchecked Sendable {
    private let device: CUDADevice
    private var slots: [Slot] = []
    private var turn = 0
    private var registered: [ObjectIdentifier: Registration] = [:]
    /// Pinned memory that copies are still reading, with the event of their end.
    private var reading: [(memory: PinnedMemory, end: DeviceEvent)] = []

    /// Of a slot; an H200 moves this much in a millisecond.
    private static let slotBytes = 32 << 20
    /// Memory from this size on is registered; smaller is copied as fast through a slot.
    private static let registeredBytes = 64 << 20
    private static let pageBytes = 4096

    private struct Slot {
        let address: UnsafeMutableRawPointer
        /// The last copy out of it.
        var passed: DeviceEvent?
    }

    /// Memory that was registered, or refused; it is kept, so that its pages stay mapped as long as they are
    /// registered.
    private struct Registration {
        let memory: any HostMemory
        /// nil if the driver refused.
        let start: UnsafeMutableRawPointer?
    }

    init(device: CUDADevice) {
        self.device = device
    }

    deinit {
        guard (try? device.enter()) != nil else { return }
        for registration in registered.values {
            if let start = registration.start { _ = device.driver.cuMemHostUnregister(start) }
        }
        for slot in slots { _ = device.driver.cuMemFreeHost(slot.address) }
    }

    /// Copies a tensor's bytes into a block on the copy stream and gives the event of their arrival.
    func copy(_ tensor: HostTensor, to address: MicaDeviceAddress) throws(TensorError) -> DeviceEvent {
        guard !device.isRehearsal else { return try DeviceEvent(device) }
        try forgetPassed()
        let pinned = tensor.memory as? PinnedMemory
        var isInPlace = pinned != nil
        if !isInPlace, tensor.memory.byteCount >= Self.registeredBytes { isInPlace = try register(tensor.memory) }
        if isInPlace {
            try tensor.memory.withUnsafeBytes { (bytes) throws(TensorError) in
                try device.check(
                    device.driver.cuMemcpyHtoDAsync_v2(
                        address, bytes.baseAddress.map { $0 + tensor.byteOffset }, tensor.byteCount, device.copies),
                    "cuMemcpyHtoDAsync")
            }
        } else {
            try copyThroughSlots(tensor, to: address)
        }
        let arrival = try DeviceEvent(device)
        try arrival.record(on: device.copies)
        if let pinned { reading.append((pinned, arrival)) }
        return arrival
    }

    /// Lets go of pinned memory that no copy reads any more.
    private func forgetPassed() throws(TensorError) {
        while let first = reading.first, try first.end.isReached { reading.removeFirst() }
    }

    private func copyThroughSlots(_ tensor: HostTensor, to address: MicaDeviceAddress) throws(TensorError) {
        try makeSlots()
        for start in stride(from: 0, to: tensor.byteCount, by: Self.slotBytes) {
            let count = min(Self.slotBytes, tensor.byteCount - start)
            let index = turn
            turn = (turn + 1) % slots.count
            // The slot's last copy may still be reading it.
            try slots[index].passed?.wait()
            tensor.memory.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress {
                    slots[index].address.copyMemory(from: base + tensor.byteOffset + start, byteCount: count)
                }
            }
            try device.check(
                device.driver.cuMemcpyHtoDAsync_v2(
                    address + UInt64(start), slots[index].address, count, device.copies),
                "cuMemcpyHtoDAsync")
            let passed = try DeviceEvent(device)
            try passed.record(on: device.copies)
            slots[index].passed = passed
        }
    }

    private func makeSlots() throws(TensorError) {
        while slots.count < 2 {
            var address: UnsafeMutableRawPointer?
            try device.check(device.driver.cuMemAllocHost_v2(&address, Self.slotBytes), "cuMemAllocHost")
            guard let address else { preconditionFailure("cuMemAllocHost gave no address") }
            slots.append(Slot(address: address, passed: nil))
        }
    }

    /// True if copies may read the memory in place.
    private func register(_ memory: any HostMemory) throws(TensorError) -> Bool {
        if let known = registered[ObjectIdentifier(memory)] { return known.start != nil }
        let range = memory.withUnsafeBytes { bytes -> (UInt, Int)? in
            guard let base = bytes.baseAddress else { return nil }
            let first = UInt(bitPattern: base) / UInt(Self.pageBytes) * UInt(Self.pageBytes)
            let end = UInt(bitPattern: base) + UInt(bytes.count)
            return (first, Int(end - first + UInt(Self.pageBytes) - 1) / Self.pageBytes * Self.pageBytes)
        }
        var start: UnsafeMutableRawPointer?
        if let (first, count) = range, let address = UnsafeMutableRawPointer(bitPattern: first) {
            let flags = MICA_REGISTER_PORTABLE | (device.registersReadOnly ? MICA_REGISTER_READ_ONLY : 0)
            var code = device.driver.cuMemHostRegister_v2(address, count, UInt32(flags))
            if code != 0, device.registersReadOnly {
                // Memory that may be written is not registered as read-only by every driver.
                code = device.driver.cuMemHostRegister_v2(address, count, UInt32(MICA_REGISTER_PORTABLE))
            }
            if code == 0 { start = address } else { CUDALog.note("cuMemHostRegister(\(count) bytes) answered \(code)") }
            if code != 0, code != Int32(MICA_CUDA_ALREADY_REGISTERED), device.isLost {
                throw .deviceLost(device: device.name)
            }
        }
        registered[ObjectIdentifier(memory)] = Registration(memory: memory, start: start)
        return start != nil
    }
}
