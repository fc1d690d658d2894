import Synchronization
import TensorCore

/// How long a block's weights stay after they were used.
public enum BlockResidency: Sendable, Hashable {
    /// Loaded at first use and kept. On the CPU backend this costs little: matrices are views of the mapped checkpoint.
    case resident
    /// Loaded for each use and dropped after it.
    case sequential
}

/// The blocks of a model, whose weights are asked for one block at a time.
///
/// This is the seam for offloading: the model says `withWeights(of: index) { ... }` and never how long the weights
/// stay. Today all blocks share one residency; an offload manager can decide block by block behind the same call, and
/// begin with the next one ahead of time.
///
/// Calls come from one worker at a time. The kept blocks are behind a mutex nevertheless, which is not held while a
/// block is loaded or used: a second worker would at worst load a block twice.
public final class BlockStore<Block: Sendable>: Sendable {
    /// Number of blocks.
    public let count: Int
    /// How long a block stays.
    public let residency: BlockResidency
    private let load: @Sendable (Int) throws(WeightsError) -> Block
    private let kept: Mutex<[Block?]>

    /// Blocks 0 to `count - 1`, each made by `load` when it is first needed.
    public init(
        count: Int, residency: BlockResidency, load: @escaping @Sendable (Int) throws(WeightsError) -> Block
    ) {
        self.count = count
        self.residency = residency
        self.load = load
        self.kept = Mutex(Array(repeating: nil, count: count))
    }

    /// Lends a block. It must not be kept beyond `body`.
    ///
    /// - Throws: what loading throws; what `body` throws, as `WeightsError.tensor`.
    public func withWeights<Result>(
        of index: Int, _ body: (Block) throws(TensorError) -> Result
    ) throws(WeightsError) -> Result {
        let block = try block(at: index)
        do throws(TensorError) {
            return try body(block)
        } catch {
            throw .tensor(error)
        }
    }

    /// Drops the blocks that are kept; the next use loads them again.
    public func releaseAll() {
        // Taken out first: freeing a block calls into the backend, which must not happen under the lock.
        let released = kept.withLock { blocks in
            let all = blocks
            blocks = Array(repeating: nil, count: all.count)
            return all
        }
        _ = released
    }

    private func block(at index: Int) throws(WeightsError) -> Block {
        precondition((0..<count).contains(index), "block \(index) of \(count)")
        if let block = kept.withLock({ $0[index] }) { return block }
        let block = try load(index)
        if residency == .resident { kept.withLock { $0[index] = block } }
        return block
    }
}
