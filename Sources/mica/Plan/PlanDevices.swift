import CPUBackend
import CUDABackend
import QwenImage
import TensorCore
import Weights

/// Devices for a forecast: those of this machine, and in place of a graphics card that it lacks one without data.
enum PlanDevices {
    /// Backends for the devices of a request, each bound by its budget or by what its card has.
    ///
    /// - Parameter card: what GPUs are to be, whether they are there or not; nil for those that are there.
    static func open(
        _ request: OffloadRequest, card: PublishedGPU?, threads: Int?, compute: ComputePrecision
    ) throws(DeviceError) -> [OffloadManager.Device] {
        let hasGPU = request.devices.contains { $0.kind == .cuda }
        if card == nil || !hasGPU {
            do throws(DeviceError) {
                return try EngineDevices.open(request, threads: threads, compute: compute)
            } catch {
                guard hasGPU else { throw error }
            }
        }
        return request.devices.map { name in
            let held = name.kind == .cuda ? (card ?? .usual).memoryBytes : nil
            let limit = request.budget.limitBytes(of: name) ?? held
            let backend: any Backend =
                name.kind == .cuda
                ? Meter(
                    name: name.description, limitBytes: limit, heldBytes: CUDABackend.usualContextBytes,
                    copiesAhead: true, rowsAtOnce: CUDABackend.rowsAtOnce)
                : CPUBackend(threads: threads, limitBytes: limit, compute: compute, name: name.description)
            return OffloadManager.Device(name: name, backend: backend)
        }
    }

    /// The card whose speed stands for that of the GPUs of these devices; nil without any.
    static func card(of devices: [OffloadManager.Device]) -> PublishedGPU? {
        guard devices.contains(where: { $0.name.kind == .cuda }) else { return nil }
        return card(ofModels: models(of: devices))
    }

    /// The card of those whose speed is known that multiplies the slowest, as a job waits for it wherever it has
    /// blocks; the usual one where none is known.
    static func card(ofModels models: [String]) -> PublishedGPU {
        let known = models.compactMap { PublishedGPU(model: $0) }
        return known.min { $0.rates.productOperations < $1.rates.productOperations } ?? .usual
    }

    /// What the first of the GPUs is called whose speed is not known; nil without any.
    static func unknownModel(of devices: [OffloadManager.Device]) -> String? {
        models(of: devices).first { PublishedGPU(model: $0) == nil }
    }

    private static func models(of devices: [OffloadManager.Device]) -> [String] {
        devices.compactMap { ($0.backend as? CUDABackend)?.model }
    }
}
