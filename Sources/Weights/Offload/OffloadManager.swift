import Dispatch
import Synchronization
import TensorCore

/// Carries out an offload plan: says where blocks live and how long, reads them ahead, and counts what is moved.
///
/// One a worker. Models ask through their `BlockStore`s and say with `stage` which component works; everything else is
/// decided here, so that a plan can change between two jobs without a model knowing.
public final class OffloadManager: Sendable {
    /// A device with the name that maps and budgets have for it.
    public struct Device: Sendable {
        /// Its name, and what computes there.
        public let name: DeviceName
        public let backend: any Backend

        /// A device of the worker.
        public init(name: DeviceName, backend: any Backend) {
            self.name = name
            self.backend = backend
        }
    }

    /// In order; the first one holds what no map places elsewhere.
    public let devices: [Device]
    /// Reads blocks ahead; the only thread of the engine besides the backends' own.
    let reader = DispatchQueue(label: "mica.offload.reader", qos: .userInitiated)
    private let state: Mutex<State>

    private struct State {
        var plan: OffloadPlan
        var placement: DevicePlacement?
        var component: String?
        var tenants: [WeakTenant] = []
        var traffic = OffloadTraffic()
        var stages: [StageUse] = []
    }

    /// - Parameters:
    ///   - devices: at least one, their names all different.
    ///   - placement: where each component and block is; nil for all on the first device.
    public init(devices: [Device], plan: OffloadPlan = .resident, placement: DevicePlacement? = nil) {
        precondition(!devices.isEmpty && Set(devices.map(\.name)).count == devices.count, "devices without names")
        self.devices = devices
        state = Mutex(State(plan: plan, placement: placement))
        for device in devices {
            let backend = device.backend
            backend.setMemoryPressure { [weak self, weak backend] in
                guard let self, let backend else { return false }
                return relieve(backend)
            }
        }
    }

    /// Everything on one backend, kept once it was used.
    public convenience init(_ backend: any Backend, plan: OffloadPlan = .resident) {
        self.init(devices: [Device(name: .cpu, backend: backend)], plan: plan)
    }

    // MARK: The plan

    /// What is being carried out.
    public var plan: OffloadPlan { state.withLock { $0.plan } }

    /// True if the devices hold no data: the checkpoint's pages are then left alone.
    var isRehearsing: Bool { !devices[0].backend.holdsData }

    /// True if components take turns on the device, so that one which does not work now holds nothing.
    public var takesTurns: Bool { plan.holdsOneComponent }

    /// Changes the plan, between two jobs: everything that is held is dropped unless nothing changes.
    public func adopt(_ plan: OffloadPlan, placement: DevicePlacement?) {
        let isSame = state.withLock { state in
            defer { (state.plan, state.placement) = (plan, placement) }
            return state.plan == plan && state.placement == placement
        }
        guard !isSame else { return }
        for tenant in tenants { tenant.releaseAll() }
    }

    /// The device of a component's weights that belong to no block.
    public func root(of component: String) -> any Backend {
        backend(state.withLock { $0.placement?.roots[component] })
    }

    func backend(of list: BlockList, block: Int) -> any Backend {
        let name = state.withLock { state -> DeviceName? in
            guard let placement = state.placement else { return nil }
            return placement.blocks[list.name]?[block] ?? placement.roots[list.component]
        }
        return backend(name)
    }

    func handling(of list: BlockList, on backend: any Backend) -> BlockHandling {
        BlockHandling(plan, on: backend, isTransient: list.isTransient)
    }

    /// True if a device's budget allows so many bytes besides the most that the stage has held so far.
    func hasRoom(for byteCount: Int, besidesPeakOf backend: any Backend) -> Bool {
        guard let limit = backend.limitBytes else { return true }
        return backend.memory.peakBytes + byteCount <= limit
    }

    private func backend(_ name: DeviceName?) -> any Backend {
        guard let name else { return devices[0].backend }
        guard let device = devices.first(where: { $0.name == name }) else {
            preconditionFailure("a placement on \(name), which the worker does not have")
        }
        return device.backend
    }

    // MARK: Stages

    /// Forgets the stages and counts of the job before.
    public func beginJob() {
        state.withLock { state in
            state.stages = []
            state.traffic = OffloadTraffic()
        }
    }

    /// Ends what is being read ahead.
    public func endJob() {
        for tenant in tenants { tenant.stopReading() }
    }

    /// Runs a part of a job in which one component works, and takes note of its peak and traffic.
    ///
    /// Where the plan has components take turns, all others are dropped first. Stages do not nest.
    public func stage<Result>(
        _ name: String, of component: String, _ body: () throws -> Result
    ) rethrows -> Result {
        enter(component)
        for device in devices {
            device.backend.releaseUnusedMemory()
            device.backend.resetPeak()
        }
        let before = traffic
        defer { note(name, before) }
        return try body()
    }

    /// What the job's stages have held and moved so far, in order; a stage that came again is there once.
    public var stages: [StageUse] { state.withLock { $0.stages } }

    /// Bytes moved since the job began.
    public var traffic: OffloadTraffic { state.withLock { $0.traffic } }

    func count(readBytes: Int, movedBytes: Int) {
        state.withLock { state in
            state.traffic.readBytes += readBytes
            state.traffic.movedBytes += movedBytes
        }
    }

    /// A tensor on another device, counted; the tensor itself if it is there.
    public func transfer(
        _ tensor: Tensor, from source: any Backend, to target: any Backend
    ) throws(TensorError) -> Tensor {
        guard source !== target else { return tensor }
        state.withLock { $0.traffic.transferredBytes += tensor.byteCount }
        return try target.receive(tensor, from: source)
    }

    private func enter(_ component: String) {
        let leaves = state.withLock { state in
            defer { state.component = component }
            return state.component != component && state.plan.holdsOneComponent
        }
        guard leaves else { return }
        for tenant in tenants where tenant.component != component {
            tenant.releaseAll()
            tenant.giveBackPages()
        }
    }

    private func note(_ name: String, _ before: OffloadTraffic) {
        let peaks = devices.map { device in
            let memory = device.backend.memory
            return StageUse.Peak(device: device.name, bytes: memory.peakBytes, heldBytes: memory.peakHeldBytes)
        }
        state.withLock { state in
            let use = StageUse(name: name, peaks: peaks, traffic: state.traffic.since(before))
            if let index = state.stages.firstIndex(where: { $0.name == name }) {
                state.stages[index].merge(use)
            } else {
                state.stages.append(use)
            }
        }
    }

    // MARK: Tenants

    func register(_ tenant: any BlockTenant) {
        state.withLock { state in
            state.tenants.removeAll { $0.tenant == nil }
            state.tenants.append(WeakTenant(tenant: tenant))
        }
    }

    private var tenants: [any BlockTenant] { state.withLock { $0.tenants.compactMap(\.tenant) } }

    /// Gives back some memory of a device: first of components that do not work now. If there is none, of another
    /// device, since the host's budget may be what several share.
    private func relieve(_ backend: any Backend) -> Bool {
        let working = state.withLock { $0.component }
        let tenants = self.tenants
        let others = devices.map(\.backend).filter { $0 !== backend }
        return ([backend] + others).contains { device in
            tenants.contains { $0.component != working && $0.relieve(device) }
                || tenants.contains { $0.component == working && $0.relieve(device) }
        }
    }
}

/// Something that holds weights on devices.
protocol BlockTenant: AnyObject, Sendable {
    var component: String { get }
    /// Drops everything.
    func releaseAll()
    /// Ends reading ahead.
    func stopReading()
    /// Gives back the pages of the checkpoint that were touched.
    func giveBackPages()
    /// Drops one block that lies on `backend` and can be read again; false if there is none.
    func relieve(_ backend: any Backend) -> Bool
}

private struct WeakTenant: Sendable {
    weak var tenant: (any BlockTenant)?
}
