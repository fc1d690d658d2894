import CPUBackend
import CUDABackend
import TensorCore
import Weights

/// Devices for a forecast: those of this machine, and in place of a graphics card that it lacks one without data.
enum PlanDevices {
    /// Backends for the devices of a request, each bound by its budget.
    static func open(
        _ request: OffloadRequest, threads: Int?, compute: ComputePrecision, weightForm: WeightForm?
    ) throws(DeviceError) -> [OffloadManager.Device] {
        let hasGPU = request.devices.contains { $0.kind == .cuda }
        do throws(DeviceError) {
            return try EngineDevices.open(request, threads: threads, compute: compute, weightForm: weightForm)
        } catch {
            guard hasGPU else { throw error }
        }
        return request.devices.map { name in
            let limit = request.budget.limitBytes(of: name)
            let backend: any Backend =
                name.kind == .cuda
                ? Meter(
                    name: name.description, limitBytes: limit, heldBytes: CUDABackend.usualContextBytes,
                    sharesHostMemory: false, copiesAhead: true, rowsAtOnce: CUDABackend.rowsAtOnce)
                : CPUBackend(
                    threads: threads, limitBytes: limit, compute: compute, weightForm: weightForm,
                    name: name.description)
            return OffloadManager.Device(name: name, backend: backend)
        }
    }
}
