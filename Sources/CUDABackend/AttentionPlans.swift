import CCUDA
import TensorCore

/// Attention by cuDNN: one graph with one operation, a plan for each length, made at first need.
final class AttentionPlans: Sendable {
    /// What a plan is made for; bfloat16 in and out, no mask.
    struct Key: Hashable {
        let queries: Int
        let keys: Int
        let heads: Int
        let keyHeads: Int
        let headSize: Int
    }

    /// Tensors of the graph, as its plan knows them.
    private enum ID: Int64, CaseIterable {
        case query = 1
        case key, value, output, scale
    }

    /// Lengths of one model at several resolutions and prompts; beyond them the one goes that was not asked for the
    /// longest, so that forecasts of many jobs leave those of the one that runs.
    private static let planLimit = 256

    private let library: DNNLibrary
    private let plans: DNNPlanCache<Key, DNNPlan>

    init(_ library: DNNLibrary) {
        self.library = library
        plans = DNNPlanCache(library, limit: Self.planLimit)
    }

    /// The plan for a shape; nil if cuDNN has none, and the caller computes by itself.
    func plan(_ key: Key) throws(TensorError) -> DNNPlan? {
        try plans.plan(key) {
            let graph = AttentionGraph(library, key, ids: ID.allCases.map(\.rawValue))
            let made = graph.flatMap { library.plan($0.graph) }
            CUDALog.note(
                "cuDNN has \(made.map { "a plan with \($0.workspaceBytes) bytes" } ?? "no plan") for \(key)")
            return made
        }
    }

    /// Runs a plan on addresses of tensors that lie as [rows, heads * headSize].
    func run(
        _ plan: DNNPlan, query: MicaDeviceAddress, key: MicaDeviceAddress, value: MicaDeviceAddress,
        output: MicaDeviceAddress, scale: Float, workspace: MicaDeviceAddress
    ) throws(TensorError) {
        var scale = scale
        let code: Int32 = withUnsafeMutablePointer(to: &scale) { scale in
            let pointers = [query, key, value, output].map { UnsafeMutableRawPointer(bitPattern: UInt($0)) }
            return library.execute(
                plan, ids: ID.allCases.map(\.rawValue), pointers: pointers + [UnsafeMutableRawPointer(scale)],
                workspace: workspace)
        }
        guard code != 0 else { return }
        let device = library.device
        try device.check(device.driver.cuCtxSynchronize(), "cuCtxSynchronize after cudnnBackendExecute")
        throw .device(device: device.name, call: "cudnnBackendExecute", code: Int(code), problem: "cuDNN")
    }
}

/// The operation graph `softmax(q kᵀ * scale) v` of one shape.
struct AttentionGraph {
    let graph: DNNDescriptor
    /// Kept as long as the graph is used.
    private let parts: [DNNDescriptor]

    /// Nil if cuDNN refuses a part. `ids` are those of query, key, value, output and scale.
    init?(_ library: DNNLibrary, _ key: AttentionPlans.Key, ids: [Int64]) {
        let functions = library.functions
        func tensor(_ id: Int64, heads: Int, rows: Int) -> DNNDescriptor? {
            let size = Int64(key.headSize)
            return DNNDescriptor.tensor(
                functions, id, Int32(MICA_DNN_BFLOAT16), [1, Int64(heads), Int64(rows), size],
                [Int64(rows) * Int64(heads) * size, size, Int64(heads) * size, 1])
        }
        guard let query = tensor(ids[0], heads: key.heads, rows: key.queries),
            let keys = tensor(ids[1], heads: key.keyHeads, rows: key.keys),
            let values = tensor(ids[2], heads: key.keyHeads, rows: key.keys),
            let output = tensor(ids[3], heads: key.heads, rows: key.queries),
            let scale = DNNDescriptor.tensor(
                functions, ids[4], Int32(MICA_DNN_FLOAT), [1, 1, 1, 1], [1, 1, 1, 1], .byValue),
            let operation = DNNDescriptor(functions, Int32(MICA_DNN_SDPA_FORWARD)),
            operation.set([
                MICA_DNN_SDPA_QUERY: query, MICA_DNN_SDPA_KEY: keys, MICA_DNN_SDPA_VALUE: values,
                MICA_DNN_SDPA_OUTPUT: output, MICA_DNN_SDPA_SCALE: scale,
            ]), operation.finalize(), let graph = library.graph([operation])
        else { return nil }
        self.graph = graph
        parts = [query, keys, values, output, scale, operation]
    }
}
