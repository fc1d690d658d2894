import CCUDA
import Glibc
import TensorCore

/// Ways from host memory to the device at full speed: large mappings are registered with the driver once and copied
/// from in place; where that is refused or would be too much, and for small memory, bytes pass through two pinned slots
/// in turn.
// @unchecked because it is used by the one thread that owns the backend.
final class HostStaging: @unchecked Sendable {
    private let device: CUDADevice
    private var slots: [Slot] = []
    private var turn = 0
    /// As `CUDABackend.Options.registeredLimitBytes`.
    private let registeredLimitBytes: Int?
    /// Memory that the driver does not register; kept, so that no other is taken for it.
    private var refused: [ObjectIdentifier: any HostMemory] = [:]

    /// Of a slot; an H200 moves this much in a millisecond.
    private static let slotBytes = 32 << 20
    /// Memory from this size on is registered; smaller is copied as fast through a slot.
    private static let registeredBytes = 64 << 20

    private struct Slot {
        let address: UnsafeMutableRawPointer
        /// The last copy out of it.
        var passed: DeviceEvent?
    }

    init(device: CUDADevice, registeredLimitBytes: Int?) {
        self.device = device
        self.registeredLimitBytes = registeredLimitBytes
    }

    deinit {
        guard !device.isRehearsal else { return }
        let isThere = (try? device.enter()) != nil
        // Nothing may still be read when it is let go of.
        if isThere { _ = device.driver.cuStreamSynchronize(device.copies) }
        HostRegistry.shared.letGo(ObjectIdentifier(self), of: device)
        guard isThere else { return }
        for slot in slots { _ = device.driver.cuMemFreeHost(slot.address) }
    }

    /// Copies a tensor's bytes into a block on the copy stream and gives the event of their arrival.
    func copy(_ tensor: HostTensor, to address: MicaDeviceAddress) throws(TensorError) -> DeviceEvent {
        // Made before the copy: without it nobody would know when the block may be given to others.
        let arrival = try DeviceEvent(device)
        guard !device.isRehearsal else { return arrival }
        if tensor.memory.byteCount >= Self.registeredBytes, register(tensor.memory) {
            try tensor.memory.withUnsafeBytes { (bytes) throws(TensorError) in
                try device.check(
                    device.driver.cuMemcpyHtoDAsync_v2(
                        address, bytes.baseAddress.map { $0 + tensor.byteOffset }, tensor.byteCount, device.copies),
                    "cuMemcpyHtoDAsync")
            }
        } else {
            try copyThroughSlots(tensor, to: address)
        }
        try arrival.record(on: device.copies)
        return arrival
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
            let passed = try DeviceEvent(device)
            try device.check(
                device.driver.cuMemcpyHtoDAsync_v2(
                    address + UInt64(start), slots[index].address, count, device.copies),
                "cuMemcpyHtoDAsync")
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
    private func register(_ memory: any HostMemory) -> Bool {
        let key = ObjectIdentifier(memory)
        guard refused[key] == nil else { return false }
        let outcome = HostRegistry.shared.hold(
            memory, for: ObjectIdentifier(self), on: device, limitBytes: registeredLimitBytes)
        if case .refused(let code) = outcome {
            refused[key] = memory
            CUDALog.note("memory of \(memory.byteCount) bytes passes through slots: the driver said \(code)")
        }
        return outcome == .registered
    }
}
