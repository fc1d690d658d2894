import CCUDA
import Synchronization
import TensorCore

/// Attention by cuDNN: one graph with one operation, a plan for each length, made at first need.
// @unchecked because plans and handle are used under the mutex alone: rehearsals, on any thread, ask for plans too.
final class AttentionPlans: @unchecked Sendable {
    /// What a plan is made for; bfloat16 in and out, no mask.
    struct Key: Hashable {
        let queries: Int
        let keys: Int
        let heads: Int
        let keyHeads: Int
        let headSize: Int
    }

    /// A finished plan.
    // @unchecked because nothing of it changes.
    final class Plan: @unchecked Sendable {
        fileprivate let descriptor: DNNDescriptor
        let workspaceBytes: Int

        fileprivate init(descriptor: DNNDescriptor, workspaceBytes: Int) {
            self.descriptor = descriptor
            self.workspaceBytes = workspaceBytes
        }
    }

    /// Tensors of the graph, as its plan knows them.
    private enum ID: Int64, CaseIterable {
        case query = 1
        case key, value, output, scale
    }

    /// Lengths of one model at several resolutions and prompts; beyond them the one goes that was not asked for the
    /// longest, so that forecasts of many jobs leave those of the one that runs.
    private static let planLimit = 256

    private let device: CUDADevice
    private let functions: MicaCUDNN
    private let handle: UnsafeMutableRawPointer
    private let plans = Mutex(RecentValues<Key, Plan?>(limit: planLimit))

    /// Nil without cuDNN, or if it does not start, with the reason.
    init?(device: CUDADevice, problems: inout [String]) {
        guard let functions = device.libraries.neuralNetworks, (try? device.enter()) != nil else { return nil }
        var handle: UnsafeMutableRawPointer?
        let code = functions.cudnnCreate(&handle)
        guard code == 0, let handle else {
            problems.append("cuDNN does not start (cudnnCreate answered \(code)): attention runs on Mica's own kernel")
            return nil
        }
        let stream = functions.cudnnSetStream(handle, device.compute)
        guard stream == 0 else {
            problems.append(
                "cuDNN takes no stream (cudnnSetStream answered \(stream)): attention runs on Mica's own kernel")
            _ = functions.cudnnDestroy(handle)
            return nil
        }
        self.device = device
        self.functions = functions
        self.handle = handle
    }

    deinit {
        let isThere = (try? device.enter()) != nil
        plans.withLock { plans in
            // The code of plans goes with a context that is lost: cuDNN would unload what is gone, so that they stay.
            if !isThere { for case let plan? in plans.values { _ = Unmanaged.passRetained(plan) } }
            plans.removeAll()
        }
        if isThere { _ = functions.cudnnDestroy(handle) }
    }

    /// The plan for a shape; nil if cuDNN has none, and the caller computes by itself.
    func plan(_ key: Key) throws(TensorError) -> Plan? {
        try device.enter()
        return plans.withLock { plans in
            if let known = plans.value(of: key) { return known }
            let made = makePlan(key)
            CUDALog.note(
                "cuDNN has \(made.map { "a plan with \($0.workspaceBytes) bytes" } ?? "no plan") for \(key)")
            plans.keep(made, of: key)
            return made
        }
    }

    /// Runs a plan on addresses of tensors that lie as [rows, heads * headSize].
    func run(
        _ plan: Plan, query: MicaDeviceAddress, key: MicaDeviceAddress, value: MicaDeviceAddress,
        output: MicaDeviceAddress, scale: Float, workspace: MicaDeviceAddress
    ) throws(TensorError) {
        var scale = scale
        let code: Int32 = withUnsafeMutablePointer(to: &scale) { scale in
            let pointers = [query, key, value, output].map { UnsafeMutableRawPointer(bitPattern: UInt($0)) }
            guard let variants = DNNDescriptor(functions, Int32(MICA_DNN_VARIANTS)) else { return -1 }
            let isSet =
                variants.set(
                    Int32(MICA_DNN_VARIANT_IDS), Int32(MICA_DNN_TYPE_INT64), ID.allCases.map(\.rawValue))
                && variants.set(
                    Int32(MICA_DNN_VARIANT_POINTERS), Int32(MICA_DNN_TYPE_POINTER),
                    pointers + [UnsafeMutableRawPointer(scale)])
                && variants.set(
                    Int32(MICA_DNN_VARIANT_WORKSPACE), Int32(MICA_DNN_TYPE_POINTER),
                    [UnsafeMutableRawPointer(bitPattern: UInt(workspace))])
                && variants.finalize()
            guard isSet else { return -1 }
            // One thread at a time has the handle.
            return plans.withLock { _ in
                functions.cudnnBackendExecute(handle, plan.descriptor.handle, variants.handle)
            }
        }
        guard code != 0 else { return }
        try device.check(device.driver.cuCtxSynchronize(), "cuCtxSynchronize after cudnnBackendExecute")
        throw .device(device: device.name, call: "cudnnBackendExecute", code: Int(code), problem: "cuDNN")
    }

    private func makePlan(_ key: Key) -> Plan? {
        guard let graph = AttentionGraph(functions, key, handle: handle, ids: ID.allCases.map(\.rawValue)) else {
            return nil
        }
        for mode in [MICA_DNN_HEURISTIC_MODE_A, MICA_DNN_HEURISTIC_MODE_FALLBACK] {
            guard let plan = makePlan(graph.graph, mode: Int32(mode)) else { continue }
            return plan
        }
        return nil
    }

    private func makePlan(_ graph: DNNDescriptor, mode: Int32) -> Plan? {
        guard let heuristic = DNNDescriptor(functions, Int32(MICA_DNN_ENGINE_HEURISTIC)),
            heuristic.set(
                Int32(MICA_DNN_HEURISTIC_GRAPH), Int32(MICA_DNN_TYPE_DESCRIPTOR), [graph.handle]),
            heuristic.set(Int32(MICA_DNN_HEURISTIC_MODE), Int32(MICA_DNN_TYPE_HEURISTIC), [mode]),
            heuristic.finalize(),
            let configuration = DNNDescriptor(functions, Int32(MICA_DNN_ENGINE_CONFIGURATION))
        else { return nil }
        var found: Int64 = 0
        var results: [UnsafeMutableRawPointer?] = [configuration.handle]
        guard
            functions.cudnnBackendGetAttribute(
                heuristic.handle, Int32(MICA_DNN_HEURISTIC_RESULTS), Int32(MICA_DNN_TYPE_DESCRIPTOR), 1, &found,
                &results) == 0, found > 0,
            let plan = DNNDescriptor(functions, Int32(MICA_DNN_PLAN)),
            plan.set(Int32(MICA_DNN_PLAN_HANDLE), Int32(MICA_DNN_TYPE_HANDLE), [handle]),
            plan.set(
                Int32(MICA_DNN_PLAN_CONFIGURATION), Int32(MICA_DNN_TYPE_DESCRIPTOR), [configuration.handle]),
            plan.finalize()
        else { return nil }
        var bytes: Int64 = 0
        guard
            functions.cudnnBackendGetAttribute(
                plan.handle, Int32(MICA_DNN_PLAN_WORKSPACE_BYTES), Int32(MICA_DNN_TYPE_INT64), 1, &found, &bytes) == 0
        else { return nil }
        return Plan(descriptor: plan, workspaceBytes: Int(bytes))
    }
}

/// The operation graph `softmax(q kᵀ * scale) v` of one shape.
struct AttentionGraph {
    let graph: DNNDescriptor
    /// Kept as long as the graph is used.
    private let parts: [DNNDescriptor]

    private static let alignment: Int64 = 16

    /// Nil if cuDNN refuses a part. `ids` are those of query, key, value, output and scale; `handle` is cuDNN's.
    init?(
        _ functions: MicaCUDNN, _ key: AttentionPlans.Key, handle: UnsafeMutableRawPointer?, ids: [Int64]
    ) {
        func tensor(_ id: Int64, heads: Int, rows: Int) -> DNNDescriptor? {
            let size = Int64(key.headSize)
            return Self.tensor(
                functions, id, Int32(MICA_DNN_BFLOAT16), [1, Int64(heads), Int64(rows), size],
                [Int64(rows) * Int64(heads) * size, size, Int64(heads) * size, 1], isByValue: false)
        }
        guard let query = tensor(ids[0], heads: key.heads, rows: key.queries),
            let keys = tensor(ids[1], heads: key.keyHeads, rows: key.keys),
            let values = tensor(ids[2], heads: key.keyHeads, rows: key.keys),
            let output = tensor(ids[3], heads: key.heads, rows: key.queries),
            let scale = Self.tensor(
                functions, ids[4], Int32(MICA_DNN_FLOAT), [1, 1, 1, 1], [1, 1, 1, 1], isByValue: true),
            let operation = DNNDescriptor(functions, Int32(MICA_DNN_SDPA_FORWARD))
        else { return nil }
        let operands = [
            (MICA_DNN_SDPA_QUERY, query), (MICA_DNN_SDPA_KEY, keys), (MICA_DNN_SDPA_VALUE, values),
            (MICA_DNN_SDPA_OUTPUT, output), (MICA_DNN_SDPA_SCALE, scale),
        ]
        for (attribute, tensor) in operands {
            guard operation.set(Int32(attribute), Int32(MICA_DNN_TYPE_DESCRIPTOR), [tensor.handle]) else { return nil }
        }
        guard operation.finalize(), let graph = DNNDescriptor(functions, Int32(MICA_DNN_GRAPH)),
            graph.set(Int32(MICA_DNN_GRAPH_OPERATIONS), Int32(MICA_DNN_TYPE_DESCRIPTOR), [operation.handle]),
            graph.set(Int32(MICA_DNN_GRAPH_HANDLE), Int32(MICA_DNN_TYPE_HANDLE), [handle]), graph.finalize()
        else { return nil }
        self.graph = graph
        parts = [query, keys, values, output, scale, operation]
    }

    private static func tensor(
        _ functions: MicaCUDNN, _ id: Int64, _ type: Int32, _ dimensions: [Int64], _ strides: [Int64], isByValue: Bool
    ) -> DNNDescriptor? {
        guard let tensor = DNNDescriptor(functions, Int32(MICA_DNN_TENSOR)),
            tensor.set(Int32(MICA_DNN_TENSOR_DATA_TYPE), Int32(MICA_DNN_TYPE_DATA_TYPE), [type]),
            tensor.set(Int32(MICA_DNN_TENSOR_DIMENSIONS), Int32(MICA_DNN_TYPE_INT64), dimensions),
            tensor.set(Int32(MICA_DNN_TENSOR_STRIDES), Int32(MICA_DNN_TYPE_INT64), strides),
            tensor.set(Int32(MICA_DNN_TENSOR_ID), Int32(MICA_DNN_TYPE_INT64), [id]),
            tensor.set(Int32(MICA_DNN_TENSOR_ALIGNMENT), Int32(MICA_DNN_TYPE_INT64), [alignment]),
            tensor.set(Int32(MICA_DNN_TENSOR_IS_BY_VALUE), Int32(MICA_DNN_TYPE_BOOLEAN), [isByValue]),
            tensor.finalize()
        else { return nil }
        return tensor
    }
}

/// A descriptor of cuDNN's graph API.
final class DNNDescriptor {
    let handle: UnsafeMutableRawPointer
    private let functions: MicaCUDNN
    private let type: Int32

    /// Nil if cuDNN is too old to know the type.
    init?(_ functions: MicaCUDNN, _ type: Int32) {
        var handle: UnsafeMutableRawPointer?
        let code = functions.cudnnBackendCreateDescriptor(type, &handle)
        guard code == 0, let handle else {
            CUDALog.note("cudnnBackendCreateDescriptor(\(type)) answered \(code)")
            return nil
        }
        self.handle = handle
        self.functions = functions
        self.type = type
    }

    deinit {
        _ = functions.cudnnBackendDestroyDescriptor(handle)
    }

    /// False if cuDNN refuses the attribute.
    func set<Element: BitwiseCopyable>(_ name: Int32, _ type: Int32, _ elements: [Element]) -> Bool {
        let code = elements.withUnsafeBytes {
            functions.cudnnBackendSetAttribute(handle, name, type, Int64(elements.count), $0.baseAddress)
        }
        if code != 0 { CUDALog.note("cudnnBackendSetAttribute(\(name)) answered \(code)") }
        return code == 0
    }

    /// False if cuDNN refuses the whole.
    func finalize() -> Bool {
        let code = functions.cudnnBackendFinalize(handle)
        if code != 0 { CUDALog.note("cudnnBackendFinalize of type \(type) answered \(code)") }
        return code == 0
    }
}
