import CCUDA
import Synchronization
import TensorCore

/// A way that cuDNN computes a graph of operations, finished.
// @unchecked because nothing of it changes.
final class DNNPlan: @unchecked Sendable {
    let descriptor: DNNDescriptor
    let workspaceBytes: Int

    fileprivate init(descriptor: DNNDescriptor, workspaceBytes: Int) {
        self.descriptor = descriptor
        self.workspaceBytes = workspaceBytes
    }

    /// What a plan must be.
    struct Demands {
        /// So many of cuDNN's proposals are looked at, the best first.
        var proposalCount = 1
        var workspaceLimitBytes = Int.max
        /// True wants kernels that came compiled, since a model has dozens of shapes and each would take half a second,
        /// and that sum as a matrix unit does: the same in every run, nothing rounded besides.
        var isPlain = false
    }
}

// For use within `exclusively`.
extension DNNLibrary {
    /// A graph of operations that follow each other; nil if cuDNN refuses it.
    func graph(_ operations: [DNNDescriptor]) -> DNNDescriptor? {
        guard let graph = DNNDescriptor(functions, Int32(MICA_DNN_GRAPH)),
            graph.set(
                Int32(MICA_DNN_GRAPH_OPERATIONS), Int32(MICA_DNN_TYPE_DESCRIPTOR), operations.map(\.handle))
        else { return nil }
        let isFinished =
            graph.set(Int32(MICA_DNN_GRAPH_HANDLE), Int32(MICA_DNN_TYPE_HANDLE), [handle]) && graph.finalize()
        return isFinished ? graph : nil
    }

    /// The first of cuDNN's proposals for a graph that is as it must be; nil if there is none.
    func plan(_ graph: DNNDescriptor, _ demands: DNNPlan.Demands = .init()) -> DNNPlan? {
        for mode in [MICA_DNN_HEURISTIC_MODE_A, MICA_DNN_HEURISTIC_MODE_FALLBACK] {
            for configuration in proposals(graph, mode: Int32(mode), count: demands.proposalCount) {
                if demands.isPlain, !isPlain(configuration) { continue }
                if let plan = finish(configuration), plan.workspaceBytes <= demands.workspaceLimitBytes { return plan }
            }
        }
        return nil
    }

    private func proposals(_ graph: DNNDescriptor, mode: Int32, count: Int) -> [DNNDescriptor] {
        let made = (0..<count).compactMap { _ in DNNDescriptor(functions, Int32(MICA_DNN_ENGINE_CONFIGURATION)) }
        guard let heuristic = DNNDescriptor(functions, Int32(MICA_DNN_ENGINE_HEURISTIC)),
            heuristic.set([MICA_DNN_HEURISTIC_GRAPH: graph]),
            heuristic.set(Int32(MICA_DNN_HEURISTIC_MODE), Int32(MICA_DNN_TYPE_HEURISTIC), [mode]),
            heuristic.finalize(),
            let found = heuristic.get(
                Int32(MICA_DNN_HEURISTIC_RESULTS), Int32(MICA_DNN_TYPE_DESCRIPTOR),
                into: made.map { $0.handle as UnsafeMutableRawPointer? })
        else { return [] }
        return Array(made.prefix(found.count))
    }

    /// True if what cuDNN notes of a proposal's engine is that it uses the matrix units, or nothing.
    private func isPlain(_ configuration: DNNDescriptor) -> Bool {
        guard let engine = DNNDescriptor(functions, Int32(MICA_DNN_ENGINE)) else { return false }
        let none = [Int32](repeating: -1, count: 16)
        guard
            let engines = configuration.get(
                Int32(MICA_DNN_CONFIGURATION_ENGINE), Int32(MICA_DNN_TYPE_DESCRIPTOR),
                into: [engine.handle as UnsafeMutableRawPointer?]), engines.count == 1,
            let numerical = engine.get(
                Int32(MICA_DNN_ENGINE_NUMERICAL_NOTES), Int32(MICA_DNN_TYPE_NUMERICAL_NOTE), into: none),
            let behavior = engine.get(
                Int32(MICA_DNN_ENGINE_BEHAVIOR_NOTES), Int32(MICA_DNN_TYPE_BEHAVIOR_NOTE), into: none)
        else { return false }
        return numerical.allSatisfy { $0 == Int32(MICA_DNN_USES_MATRIX_UNITS) }
            && !behavior.contains(Int32(MICA_DNN_COMPILES))
    }

    private func finish(_ configuration: DNNDescriptor) -> DNNPlan? {
        guard let plan = DNNDescriptor(functions, Int32(MICA_DNN_PLAN)) else { return nil }
        guard plan.set(Int32(MICA_DNN_PLAN_HANDLE), Int32(MICA_DNN_TYPE_HANDLE), [handle]),
            plan.set([MICA_DNN_PLAN_CONFIGURATION: configuration]), plan.finalize(),
            let bytes = plan.get(Int32(MICA_DNN_PLAN_WORKSPACE_BYTES), Int32(MICA_DNN_TYPE_INT64), into: [0 as Int64]),
            bytes.count == 1
        else { return nil }
        return DNNPlan(descriptor: plan, workspaceBytes: Int(bytes[0]))
    }
}

/// Plans by shape, made at first need; beyond a limit the one goes that was not asked for the longest.
final class DNNPlanCache<Key: Hashable & Sendable, Plan: AnyObject & Sendable>: Sendable {
    private let library: DNNLibrary
    private let plans: Mutex<RecentValues<Key, Plan?>>

    init(_ library: DNNLibrary, limit: Int) {
        self.library = library
        plans = Mutex(RecentValues(limit: limit))
    }

    deinit {
        let isThere = (try? library.device.enter()) != nil
        plans.withLock { plans in
            // The code of plans goes with a context that is lost: cuDNN would unload what is gone, so that they stay.
            if !isThere { for case let plan? in plans.values { _ = Unmanaged.passRetained(plan) } }
            plans.removeAll()
        }
    }

    /// The plan for a shape; nil if cuDNN has none, and the caller computes by itself. `make` has the library
    /// exclusively.
    func plan(_ key: Key, _ make: () -> Plan?) throws(TensorError) -> Plan? {
        try library.device.enter()
        return plans.withLock { plans in
            if let known = plans.value(of: key) { return known }
            let made = library.exclusively(make)
            plans.keep(made, of: key)
            return made
        }
    }
}
