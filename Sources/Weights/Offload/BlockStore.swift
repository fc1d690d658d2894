import Dispatch
import HostLimits
import Synchronization
import TensorCore

/// The blocks of a model, whose weights are asked for one block at a time.
///
/// This is the seam for offloading: the model says `withWeights(of: index) { ... }` and never how long the weights stay
/// or how they come; the `OffloadManager` decides it by its plan. Calls come from one worker at a time. What is kept is
/// behind a mutex nevertheless, which is not held while a block is loaded or used.
public final class BlockStore<Block: Sendable>: Sendable {
    /// Number of blocks.
    public let count: Int
    private let list: BlockList
    private let scope: WeightScope
    private let manager: OffloadManager
    private let load: @Sendable (WeightScope, Int) throws(WeightsError) -> Block
    private let state: Mutex<State>

    private struct State {
        var kept: [Block?]
        var manifests: [BlockManifest?]
        var pending: PendingRead?
        /// The block that is being used, which must not be taken away.
        var inUse: Int?
        /// False once memory ran short: then nothing more is kept, or read ahead, in this stage.
        var mayKeep = true
        var mayReadAhead = true
        /// Looked up when blocks are first read.
        var outgrowsTheCache: Bool?
    }

    /// Blocks 0 to `count - 1`, each made by `load` when it is needed.
    ///
    /// - Parameters:
    ///   - list: its name and what is special about it.
    ///   - scope: the place of the list; `load` is given the place of the block below it.
    ///   - manager: says where the blocks live and how long.
    public init(
        _ list: BlockList, count: Int, in scope: WeightScope, manager: OffloadManager,
        load: @escaping @Sendable (WeightScope, Int) throws(WeightsError) -> Block
    ) {
        self.count = count
        self.list = list
        self.scope = scope
        self.manager = manager
        self.load = load
        state = Mutex(
            State(kept: Array(repeating: nil, count: count), manifests: Array(repeating: nil, count: count)))
        manager.register(self)
    }

    deinit {
        // What is being read would count as held until it is there.
        stopReading()
    }

    /// The device that computes with a block.
    public func backend(of index: Int) -> any Backend {
        manager.backend(of: list, block: index)
    }

    /// Lends a block. It must not be kept beyond `body`.
    ///
    /// - Parameter continues: true if the first block will be asked for after the last one.
    /// - Throws: what loading throws; what `body` throws, as `WeightsError.tensor`.
    public func withWeights<Result>(
        of index: Int, continues: Bool = false, _ body: (Block) throws(TensorError) -> Result
    ) throws(WeightsError) -> Result {
        precondition((0..<count).contains(index), "block \(index) of \(count)")
        let backend = backend(of: index)
        let handling = manager.handling(of: list, on: backend)
        state.withLock { $0.inUse = index }
        defer { state.withLock { $0.inUse = nil } }
        let known = state.withLock { $0.kept[index] }
        let block: Block
        if let known { block = known } else { block = try take(index, backend, handling) }
        if handling.readsAhead { try beginNext(after: index, continues: continues) }
        let result: Result
        do throws(TensorError) {
            result = try body(block)
        } catch {
            throw .tensor(error)
        }
        if known == nil { try settle(index, block, backend, handling) }
        return result
    }

    /// Drops the blocks that are kept and what is being read; the next use loads them again.
    public func releaseAll() {
        // Taken out first: freeing a block calls into the backend, which must not happen under the lock.
        let (released, pending) = state.withLock { state in
            defer {
                state.kept = Array(repeating: nil, count: count)
                state.pending = nil
                state.mayKeep = true
                state.mayReadAhead = true
            }
            return (state.kept, state.pending)
        }
        pending?.stop()
        _ = released
    }

    // MARK: Loading

    private func take(
        _ index: Int, _ backend: any Backend, _ handling: BlockHandling
    ) throws(WeightsError) -> Block {
        let manifest = try manifest(of: index)
        guard handling.isStaged else {
            manager.count(readBytes: manifest.payloadBytes, movedBytes: 0)
            let block = try load(scope.redirected(to: backend, from: scope.source)[index], index)
            // Pages that loading itself has touched (norms, or a matrix that was converted) are not needed again.
            if handling.givesBackPages { manifest.giveBack(after: backend) }
            return block
        }
        let memory = try staged(index, manifest, backend)
        let source = StagedSource(base: scope.source, manifest: manifest, memory: memory)
        return try load(scope.redirected(to: backend, from: source)[index], index)
    }

    /// The block in staged memory: what was read ahead, or read now.
    private func staged(
        _ index: Int, _ manifest: BlockManifest, _ backend: any Backend
    ) throws(WeightsError) -> any StagingMemory {
        let pending = state.withLock { state -> PendingRead? in
            // One of another block was passed over, as a step cache does, and will be asked for at the next pass.
            guard state.pending?.index == index else { return nil }
            defer { state.pending = nil }
            return state.pending
        }
        if let pending { return try pending.take() }
        let memory = try WeightsError.wrapping { () throws(TensorError) in
            try backend.stagingMemory(byteCount: manifest.stagedBytes)
        }
        manager.count(readBytes: manifest.payloadBytes, movedBytes: manifest.payloadBytes)
        _ = try manifest.read(into: memory, isDirect: outgrowsTheCache(manifest))
        return memory
    }

    /// Begins to read the next block that is not there.
    private func beginNext(after index: Int, continues: Bool) throws(WeightsError) {
        let next = state.withLock { state -> Int? in
            guard state.mayReadAhead, state.pending == nil else { return nil }
            let following = Array((index + 1)..<count) + (continues ? Array(0..<index) : [])
            return following.first { state.kept[$0] == nil }
        }
        guard let next else { return }
        let backend = backend(of: next)
        let manifest = try manifest(of: next)
        guard manager.handling(of: list, on: backend).isStaged else {
            manager.reader.async { manifest.readAhead(for: backend) }
            return
        }
        // Without room for a second block there is nothing to read ahead into.
        guard let memory = try? backend.stagingMemory(byteCount: manifest.stagedBytes) else {
            state.withLock { $0.mayReadAhead = false }
            return
        }
        manager.count(readBytes: manifest.payloadBytes, movedBytes: manifest.payloadBytes)
        let read = PendingRead(
            index: next, manifest: manifest, memory: memory, isDirect: outgrowsTheCache(manifest),
            queue: manager.reader)
        state.withLock { $0.pending = read }
    }

    /// True if one pass over the blocks is more than the system could keep in its cache until the next.
    private func outgrowsTheCache(_ manifest: BlockManifest) -> Bool {
        if let known = state.withLock({ $0.outgrowsTheCache }) { return known }
        let available = AvailableMemory.bytes ?? Int.max
        let outgrows = manifest.payloadBytes * count > available / 2
        state.withLock { $0.outgrowsTheCache = outgrows }
        return outgrows
    }

    /// Keeps the block or lets it go.
    private func settle(
        _ index: Int, _ block: Block, _ backend: any Backend, _ handling: BlockHandling
    ) throws(WeightsError) {
        let manifest = try manifest(of: index)
        let keeps =
            switch handling.retention {
            case .always: true
            case .first(let count): index < count
            case .whatFits:
                state.withLock { $0.mayKeep }
                    && manager.hasRoom(for: handling.roomBlocks * manifest.stagedBytes, besidesPeakOf: backend)
            case .never: false
            }
        if keeps {
            state.withLock { $0.kept[index] = block }
        } else if handling.givesBackPages {
            manifest.giveBack(after: backend)
        }
    }

    private func manifest(of index: Int) throws(WeightsError) -> BlockManifest {
        if let known = state.withLock({ $0.manifests[index] }) { return known }
        let meter = Meter()
        let manifest = try BlockManifest(scope.source) { (source) throws(WeightsError) in
            _ = try load(scope.redirected(to: meter, from: source)[index], index)
        }
        state.withLock { $0.manifests[index] = manifest }
        return manifest
    }
}

extension BlockStore: BlockTenant {
    var component: String { list.component }

    func stopReading() {
        let pending = state.withLock { state in
            defer { state.pending = nil }
            return state.pending
        }
        pending?.stop()
    }

    func giveBackPages() {
        for backend in manager.devices.map(\.backend) { scope.source.giveBackPages(after: backend) }
    }

    func relieve(_ backend: any Backend) -> Bool {
        let places = (0..<count).map { self.backend(of: $0) === backend }
        guard places.contains(true), manager.handling(of: list, on: backend).retention == .whatFits else {
            return dropPending(places)
        }
        let dropped = state.withLock { state -> Block? in
            let last = (0..<count).last { places[$0] && state.kept[$0] != nil && state.inUse != $0 }
            guard let last else { return nil }
            state.mayKeep = false
            defer { state.kept[last] = nil }
            return state.kept[last]
        }
        return dropped != nil || dropPending(places)
    }

    private func dropPending(_ places: [Bool]) -> Bool {
        let pending = state.withLock { state -> PendingRead? in
            guard let pending = state.pending, places[pending.index] else { return nil }
            state.mayReadAhead = false
            state.pending = nil
            return pending
        }
        pending?.stop()
        return pending != nil
    }
}

/// A list of blocks as the manager knows it.
public struct BlockList: Sendable, Hashable {
    /// Component and module path, as in a `DeviceMap`: `transformer.transformer_blocks`.
    public let name: String
    /// The component that it belongs to: `transformer`.
    public let component: String
    /// True for blocks that are used once a job and never kept.
    public let isTransient: Bool

    /// - Parameter isTransient: true for blocks that are used once a job and never kept.
    public init(name: String, component: String, isTransient: Bool = false) {
        self.name = name
        self.component = component
        self.isTransient = isTransient
    }
}

extension WeightsError {
    /// Gives a backend's error the form that work inside a block has.
    static func wrapping<Result>(_ body: () throws(TensorError) -> Result) throws(WeightsError) -> Result {
        do {
            return try body()
        } catch {
            throw .tensor(error)
        }
    }
}
