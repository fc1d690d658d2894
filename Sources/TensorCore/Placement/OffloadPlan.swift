/// Where weights live while a model runs. Whichever is chosen, the result is the same to the last bit, as long as the
/// backend computes each product in the same way: a GPU's worker times ways and keeps to what it has found, and another
/// process may find otherwise, unless `MICA_CUDA_TIMING=0` keeps all to the first.
public enum OffloadPlan: Sendable, Hashable, CustomStringConvertible {
    /// All components stay on the device.
    case resident
    /// One component at a time is on the device (text encoder, transformer, VAE) and stays for its stage.
    case model
    /// One block at a time, read when it is needed.
    case sequential
    /// Blocks pass through two staging slots, the next one read during the arithmetic of this one; the first
    /// `residentBlocks` of each model stay for its stage, or, if nil, as many as the budget has room for.
    case stream(residentBlocks: Int?)
    /// Blocks are read where the checkpoint is mapped, the next one ahead, and their pages given back after use.
    case disk
    /// Components and runs of blocks spread over the devices by their budgets.
    case balanced
    /// Everything on the first of two devices, and the transformer also on the second, which takes the second guidance
    /// branch.
    case guidance
    /// Components and runs of blocks where the map says.
    case deviceMap(DeviceMap)

    /// The words of `--offload`, `auto` first; `stream` may carry a number (`stream:12`).
    public static let words = ["auto", "resident", "model", "sequential", "stream", "disk", "balanced", "guidance"]

    /// Reads a word of `words`, or `stream:N`. Nil for `auto`: the first plan in this list that fits the budget. Throws
    /// `unknownPlan`.
    public static func read(_ text: String) throws(PlacementError) -> OffloadPlan? {
        switch text {
        case "auto": return nil
        case "resident": return .resident
        case "model": return .model
        case "sequential": return .sequential
        case "stream": return .stream(residentBlocks: nil)
        case "disk": return .disk
        case "balanced": return .balanced
        case "guidance": return .guidance
        default:
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "stream", let count = WholeNumber.read(parts[1], limit: 1000) else {
                throw .unknownPlan(text)
            }
            return .stream(residentBlocks: count)
        }
    }

    /// The word of `words` for it, `map` for a map.
    public var word: String {
        switch self {
        case .resident: "resident"
        case .model: "model"
        case .sequential: "sequential"
        case .stream: "stream"
        case .disk: "disk"
        case .balanced: "balanced"
        case .guidance: "guidance"
        case .deviceMap: "map"
        }
    }

    /// As it is read; a map as its entries.
    public var description: String {
        switch self {
        case .stream(let count?): "stream:\(count)"
        case .deviceMap(let map): "map(\(map))"
        default: word
        }
    }
}

/// What a caller asks of where weights live: the plan, the devices in order, the limits.
public struct OffloadRequest: Sendable, Hashable {
    /// Nil has it chosen by the budget.
    public var plan: OffloadPlan?
    /// At least one; more than one only serves `balanced`, `guidance` and maps.
    public var devices: [DeviceName]
    /// Limits of memory.
    public var budget: MemoryBudget

    /// By default everything is chosen, on the host without a limit.
    public init(
        plan: OffloadPlan? = nil, devices: [DeviceName] = [.cpu], budget: MemoryBudget = .unlimited
    ) {
        precondition(!devices.isEmpty, "a run needs a device")
        self.plan = plan
        self.devices = devices
        self.budget = budget
    }

    /// Reads the texts of the options `--offload`, `--device`, `--budget`, `--host-budget`; nil leaves the default.
    ///
    /// - Parameter map: what `--device-map` names, parsed; it takes the place of a plan.
    /// - Throws: a `PlacementError` that names the text, also for a map together with another plan.
    public init(
        offload: String? = nil, device: String? = nil, budget: String? = nil, hostBudget: String? = nil,
        map: DeviceMap? = nil
    ) throws(PlacementError) {
        var plan = try offload.map { (text) throws(PlacementError) in try OffloadPlan.read(text) } ?? nil
        if let map {
            guard plan == nil else { throw .mapWithPlan(offload ?? "") }
            plan = .deviceMap(map)
        }
        let devices = try device.map { (text) throws(PlacementError) in try DeviceName.list(text) } ?? [.cpu]
        let hostBytes = try hostBudget.map { (text) throws(PlacementError) in try ByteCount(text: text).bytes }
        var limits = MemoryBudget(hostBytes: hostBytes)
        if let budget { limits = try MemoryBudget(devices: budget, hostBytes: hostBytes) }
        let strangers = limits.bytesByDevice.keys.filter { !devices.contains($0) }
        if let stranger = strangers.min() { throw .unknownDevice(stranger.description, known: devices) }
        self.init(plan: plan, devices: devices, budget: limits)
    }
}
