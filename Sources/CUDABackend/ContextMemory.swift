import CCUDA
import Synchronization
import TensorCore

/// What CUDA takes of a device beside all tensors: its context, the libraries' kernels, and the rest of pages of which
/// a block fills a part. A budget that is to hold by the driver's count has to leave it out.
///
/// One context serves a process until it is lost, so that each is measured once: by the device's memory in use before
/// it was there and after each library and kernel has worked. A context that follows one that was lost has none of the
/// libraries' kernels at first; what is free beside it would be too much.
enum ContextMemory {
    /// What comes later: kernels of shapes that were not met yet, and how the driver rounds.
    static let marginBytes = 128 << 20
    /// Where it cannot be measured. One H200 with CUDA 13 took 541 to 590 MiB, and up to 60 of rounding.
    static let usualBytes = 656 << 20
    /// Measured figures outside are those of another program that came or went meanwhile.
    private static let plausibleBytes = (32 << 20)...(1536 << 20)

    /// One context of a device of this process.
    struct Context: Hashable {
        let ordinal: Int
        /// How many were lost before it.
        let generation: Int
    }

    /// In use on the device before this process had the context there.
    private static let before = Mutex<[Context: Int]>([:])
    /// Held while measuring, so that one thread alone warms up a device.
    private static let measured = Mutex<[Context: Int]>([:])

    /// Notes what is in use before a context is made; later calls for the same one say nothing new.
    static func note(_ context: Context, _ usedBytes: Int?) {
        before.withLock { if let usedBytes, $0[context] == nil { $0[context] = usedBytes } }
    }

    /// Bytes of the context and a margin.
    ///
    /// - Parameter warmUp: has every library and kernel work, and gives back all memory that it took; called once a
    ///   context.
    static func bytes(of device: CUDADevice, warmUp: () -> Void) -> Int {
        measured.withLock { measured in
            let context = Context(ordinal: device.ordinal, generation: device.generation)
            if let known = measured[context] { return known }
            warmUp()
            var bytes = usualBytes
            if let before = before.withLock({ $0[context] }), let now = device.usedBytes {
                let found = now - before
                CUDALog.note("\(device.name): context and libraries take \(found) bytes")
                if plausibleBytes.contains(found) { bytes = found + marginBytes }
            }
            measured[context] = bytes
            return bytes
        }
    }
}

/// The driver's memory count of a device, for which no context is needed.
// @unchecked because a table of functions never changes, and NVML may be called from any thread.
struct DeviceManagement: @unchecked Sendable {
    let functions: MicaNVML

    /// Nil if it does not start.
    init?(_ functions: MicaNVML) {
        guard functions.nvmlInit_v2() == 0 else { return nil }
        self.functions = functions
    }

    /// Bytes in use on the device at a PCI address, by all processes; nil where it does not say.
    func usedBytes(pciAddress: String) -> Int? {
        var device: UnsafeMutableRawPointer?
        var memory = MicaDeviceMemory()
        guard functions.nvmlDeviceGetHandleByPciBusId_v2(pciAddress, &device) == 0, let device,
            functions.nvmlDeviceGetMemoryInfo(device, &memory) == 0
        else { return nil }
        return Int(clamping: memory.usedBytes)
    }
}
