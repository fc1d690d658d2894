import CCUDA
import Synchronization
import TensorCore

/// cuDNN on one device.
// @unchecked because the handle is used under the mutex alone: rehearsals, on any thread, ask for plans too.
final class DNNLibrary: @unchecked Sendable {
    let device: CUDADevice
    let functions: MicaCUDNN
    /// For use within `exclusively`.
    let handle: UnsafeMutableRawPointer
    private let turn = Mutex(())

    /// Nil without cuDNN, or if it does not start, with the reason.
    init?(device: CUDADevice, problems: inout [String]) {
        guard let functions = device.libraries.neuralNetworks, (try? device.enter()) != nil else { return nil }
        var handle: UnsafeMutableRawPointer?
        let code = functions.cudnnCreate(&handle)
        guard code == 0, let handle else {
            problems.append("cuDNN does not start (cudnnCreate answered \(code)): \(Self.consequence)")
            return nil
        }
        let stream = functions.cudnnSetStream(handle, device.compute)
        guard stream == 0 else {
            problems.append("cuDNN takes no stream (cudnnSetStream answered \(stream)): \(Self.consequence)")
            _ = functions.cudnnDestroy(handle)
            return nil
        }
        self.device = device
        self.functions = functions
        self.handle = handle
    }

    deinit {
        if (try? device.enter()) != nil { _ = functions.cudnnDestroy(handle) }
    }

    /// What follows where there is no cuDNN.
    static let consequence = "attention runs on Mica's own kernel, convolutions as products"

    /// Has one thread at a time use the handle, and what was made with it.
    func exclusively<Result: Sendable>(_ body: () -> Result) -> Result { turn.withLock { _ in body() } }

    /// Runs a plan on the addresses of its tensors, by their numbers in the graph; the status, or -1 where cuDNN
    /// refuses the addresses.
    func execute(
        _ plan: DNNPlan, ids: [Int64], pointers: [UnsafeMutableRawPointer?], workspace: MicaDeviceAddress
    ) -> Int32 {
        guard let variants = DNNDescriptor(functions, Int32(MICA_DNN_VARIANTS)),
            variants.set(Int32(MICA_DNN_VARIANT_IDS), Int32(MICA_DNN_TYPE_INT64), ids),
            variants.set(Int32(MICA_DNN_VARIANT_POINTERS), Int32(MICA_DNN_TYPE_POINTER), pointers),
            variants.set(
                Int32(MICA_DNN_VARIANT_WORKSPACE), Int32(MICA_DNN_TYPE_POINTER),
                [UnsafeMutableRawPointer(bitPattern: UInt(workspace))]),
            variants.finalize()
        else { return -1 }
        return exclusively { functions.cudnnBackendExecute(handle, plan.descriptor.handle, variants.handle) }
    }
}
