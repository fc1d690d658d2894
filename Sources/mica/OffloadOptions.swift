import ArgumentParser
import CPUBackend
import CUDABackend
import Foundation
import HostLimits
import TensorCore
import Weights

/// Where weights live, as options: the plan, the devices and their budgets.
struct OffloadOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where weights live: auto, resident, model (a component at a time), stream (block after block, the next one"
                + " read ahead; stream:N keeps N), sequential (not read ahead), disk (used where they are mapped) or"
                + " balanced (over several devices), guidance (a guidance branch on each of two). Auto takes the first"
                + " of these that fits the budget.",
            valueName: "plan"))
    var offload: String?

    @Option(
        help: ArgumentHelp(
            "Devices, between commas: cpu, cuda:0 (see `mica devices`), or several with budgets of their own.",
            valueName: "names"))
    var device: String?

    @Option(
        help: ArgumentHelp(
            "Which component or blocks lie where: a file of JSON or JSON itself,"
                + " {\"transformer.transformer_blocks.0-29\": \"cpu:0\", ...}.",
            valueName: "map"))
    var deviceMap: String?

    @Option(
        help: ArgumentHelp(
            "Memory that a device may hold, on a GPU with CUDA's own context: 6GiB, or cpu:0=2GiB,cpu:1=4GiB."
                + " Without one a GPU may hold what it has free.",
            valueName: "size"))
    var budget: String?

    @Option(help: ArgumentHelp("Memory that all of it may hold on the host.", valueName: "size"))
    var hostBudget: String?

    /// The options as the engine takes them; throws a `PlacementError` for a text that is none.
    func request() throws -> OffloadRequest {
        try OffloadRequest(
            offload: offload, device: device, budget: budget, hostBudget: hostBudget,
            map: try deviceMap.map { try EngineDevices.map($0) })
    }
}

/// Why a device that was asked for cannot be used.
enum DeviceError: Error, CustomStringConvertible {
    /// A GPU, and what is missing.
    case unavailable(DeviceName, CUDAUnavailable)

    var description: String {
        switch self {
        case .unavailable(let name, let reason): "there is no device \(name): \(reason)"
        }
    }
}

/// The devices of this machine, as a request asks for them.
enum EngineDevices {
    /// A map of a few hundred blocks is a page of text.
    private static let largestMapBytes = 1 << 20

    /// Reads a map that is given itself (JSON, or `name=device,...`) or as a file of JSON.
    static func map(_ text: String) throws -> DeviceMap {
        if text.hasPrefix("{") { return try DeviceMap(json: Array(text.utf8)) }
        guard FileManager.default.fileExists(atPath: text) else {
            guard text.contains("=") else {
                throw CommandError.cannotRead(path: text, reason: "there is no such file, and it is no device map")
            }
            return try DeviceMap(text: text)
        }
        let bytes = try InputFile.readNamed(text, limit: largestMapBytes)
        do {
            return try DeviceMap(json: bytes)
        } catch {
            throw CommandError.cannotRead(path: text, reason: error.description)
        }
    }

    /// A request a worker: one for each GPU if several are named and no plan spreads a model over them.
    static func requestsByWorker(_ request: OffloadRequest) -> [OffloadRequest] {
        let spreads =
            switch request.plan {
            case .balanced, .guidance, .deviceMap: true
            default: false
            }
        guard !spreads, request.devices.count > 1, request.devices.allSatisfy({ $0.kind == .cuda }) else {
            return [request]
        }
        return request.devices.map { OffloadRequest(plan: request.plan, devices: [$0], budget: request.budget) }
    }

    /// Weights that GPUs copy from where they are mapped can leave memory no more: of what the host has to spare, and
    /// of its budget, no more than this share is theirs.
    private static let registeredShare = 0.5

    /// See `CUDABackend.Options.registeredLimitBytes`; what a plan leaves on disk is not held in memory.
    private static func registeredLimitBytes(_ request: OffloadRequest) -> Int? {
        if request.plan == .disk { return 0 }
        let hostBytes = [AvailableMemory.bytes, request.budget.hostBytes].compactMap(\.self).min()
        return hostBytes.map { Int(Double($0) * registeredShare) }
    }

    /// Backends for the devices of a request, each bound by its budget. Throws why a GPU cannot be used.
    static func open(
        _ request: OffloadRequest, threads: Int?, compute: ComputePrecision
    ) throws(DeviceError) -> [OffloadManager.Device] {
        let isAlone = request.devices == [.cpu]
        // Those on the host bound one another, in what they keep for reuse at least.
        let isShared = request.budget.hostBytes != nil || request.devices.count { $0.kind == .cpu } > 1
        let shared = isShared && !isAlone ? SharedMemoryLimit(limitBytes: request.budget.hostBytes) : nil
        var devices: [OffloadManager.Device] = []
        for name in request.devices {
            if name.kind == .cuda {
                var options = CUDABackend.Options()
                options.precision = compute == .float32 ? .float32 : .bfloat16
                options.countsContext = true
                options.limitsToFree = true
                options.limitBytes = request.budget.limitBytes(of: name)
                options.registeredLimitBytes = registeredLimitBytes(request)
                do throws(CUDAUnavailable) {
                    let backend = try CUDABackend(CUDALibraries.shared(), index: name.index, options: options)
                    devices.append(OffloadManager.Device(name: name, backend: backend))
                } catch {
                    throw .unavailable(name, error)
                }
                continue
            }
            let backend = CPUBackend(
                threads: threads, limitBytes: request.budget.limitBytes(of: name), compute: compute,
                name: isAlone ? "cpu" : name.description, shared: shared)
            devices.append(OffloadManager.Device(name: name, backend: backend))
        }
        return devices
    }
}
