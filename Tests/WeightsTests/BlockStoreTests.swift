import Synchronization
import TensorCore
import Testing
import Weights

/// What a store of blocks reads, keeps and drops under each plan; on a meter, whose budget shows what is held.
@Suite struct BlockStoreTests {
    private static let blockBytes = 64 * 64 * 2
    private static let blockCount = 4
    private static let list = BlockList(name: "model.blocks", component: "model")

    /// Counts what is loaded and what is still alive.
    private final class Counter: Sendable {
        let loads = Mutex<[Int]>([])
        let living = Mutex(0)
    }

    private final class Block: Sendable {
        let index: Int
        let weight: Tensor
        let counter: Counter?

        init(_ index: Int, _ weight: Tensor, _ counter: Counter?) {
            self.index = index
            self.weight = weight
            self.counter = counter
            counter?.living.withLock { $0 += 1 }
            counter?.loads.withLock { $0.append(index) }
        }

        deinit {
            counter?.living.withLock { $0 -= 1 }
        }
    }

    /// A checkpoint of blocks of one matrix each, filled with the block's number.
    private struct Blocks: TensorSource {
        let location = "model"
        var names: [String] { (0..<blockCount).map { "blocks.\($0).weight" } }

        func contains(_ name: String) -> Bool { names.contains(name) }

        func tensor(named name: String) throws(WeightsError) -> HostTensor {
            guard let index = names.firstIndex(of: name) else { throw .tensorMissing(tensor: name, file: location) }
            let bytes = [UInt8](repeating: UInt8(index), count: blockBytes)
            return HostTensor(memory: ByteArray(bytes), byteOffset: 0, shape: [64, 64], dtype: .bfloat16)
        }
    }

    private let counter = Counter()

    private func store(
        _ plan: OffloadPlan, on meter: Meter, isTransient: Bool = false
    ) -> (BlockStore<Block>, OffloadManager) {
        let manager = OffloadManager(meter, plan: plan)
        let list = BlockList(name: Self.list.name, component: "model", isTransient: isTransient)
        let scope = WeightScope(source: Blocks(), backend: meter)["blocks"]
        let store = BlockStore<Block>(list, count: Self.blockCount, in: scope, manager: manager) {
            [counter] (scope, index) throws(WeightsError) in
            let weight = try scope.matrix("weight", rows: 64, columns: 64)
            // The manifest is made on a meter of its own, which is not counted here.
            return Block(index, weight, scope.backend === meter ? counter : nil)
        }
        return (store, manager)
    }

    private func run(_ store: BlockStore<Block>, passes: Int = 2) throws {
        for pass in 0..<passes {
            for index in 0..<store.count {
                let seen = try store.withWeights(of: index, continues: pass + 1 < passes) { $0.index }
                #expect(seen == index)
            }
        }
    }

    /// Plan, blocks loaded in two passes, blocks that stay, and blocks read.
    @Test(arguments: [
        (OffloadPlan.resident, 4, 4, 4), (.model, 4, 4, 4), (.sequential, 8, 0, 8), (.disk, 8, 0, 8),
        (.stream(residentBlocks: 0), 8, 0, 8), (.stream(residentBlocks: 3), 5, 3, 5),
        (.stream(residentBlocks: nil), 4, 4, 4), (.stream(residentBlocks: 9), 4, 4, 4),
    ])
    func plansKeepWhatTheySay(_ plan: OffloadPlan, _ loads: Int, _ kept: Int, _ reads: Int) throws {
        let (store, manager) = store(plan, on: Meter())
        try run(store)
        #expect(counter.loads.withLock { $0.count } == loads)
        #expect(counter.living.withLock { $0 } == kept)
        #expect(manager.traffic.readBytes == reads * Self.blockBytes)
        store.releaseAll()
        #expect(counter.living.withLock { $0 } == 0)
    }

    @Test(arguments: [OffloadPlan.resident, .stream(residentBlocks: nil), .disk])
    func transientBlocksAreNeverKept(_ plan: OffloadPlan) throws {
        let (store, _) = store(plan, on: Meter(), isTransient: true)
        try run(store, passes: 1)
        #expect(counter.living.withLock { $0 } == 0)
    }

    /// Blocks that fit by the budget, one slot to compute from and one to read into left over.
    @Test(arguments: [(1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (6, 4)])
    func streamingFillsTheBudget(_ budgetBlocks: Int, _ kept: Int) throws {
        let meter = Meter(limitBytes: budgetBlocks * Self.blockBytes)
        let (store, manager) = store(.stream(residentBlocks: nil), on: meter)
        try run(store, passes: 3)
        // Of five blocks' room all four are used: the last block needs no slot beside it any more.
        #expect(counter.living.withLock { $0 } == kept)
        #expect(meter.memory.peakBytes <= budgetBlocks * Self.blockBytes)
        #expect(manager.traffic.readBytes == (3 * (4 - kept) + kept) * Self.blockBytes)
    }

    /// What a later allocation needs comes from the blocks that are only kept.
    @Test func keptBlocksMakeRoom() throws {
        let meter = Meter(limitBytes: 5 * Self.blockBytes)
        let (store, _) = store(.stream(residentBlocks: nil), on: meter)
        try run(store)
        #expect(counter.living.withLock { $0 } == 4)
        let tensor = try meter.allocate([3 * Self.blockBytes], .uint8)
        #expect(counter.living.withLock { $0 } == 2)
        #expect(tensor.byteCount + 2 * Self.blockBytes == meter.memory.usedBytes)
        #expect(throws: TensorError.self) { _ = try meter.allocate([5 * Self.blockBytes], .uint8) }
        #expect(counter.living.withLock { $0 } == 0)
        // And the next pass goes on with what there is.
        try run(store, passes: 1)
    }

    /// A block that is being used is not taken away, whatever is asked for.
    @Test func theBlockInUseStays() throws {
        let meter = Meter(limitBytes: 4 * Self.blockBytes)
        let (store, _) = store(.stream(residentBlocks: nil), on: meter)
        try run(store)
        try store.withWeights(of: 0) { block throws(TensorError) in
            do throws(TensorError) {
                _ = try meter.allocate([4 * Self.blockBytes], .uint8)
                Issue.record("there is no room beside the block")
            } catch {
                #expect(error.description.contains("out of memory"))
            }
            #expect(block.weight.byteCount == Self.blockBytes)
        }
    }

    @Test func residentBlocksThatDoNotFitAreAnError() throws {
        let (store, _) = store(.resident, on: Meter(limitBytes: 3 * Self.blockBytes, copiesAhead: true))
        let error = #expect(throws: WeightsError.self) { try run(store) }
        #expect(error?.description.contains("out of memory") == true)
    }

    /// A new plan drops what the old one kept.
    @Test func plansChangeBetweenJobs() throws {
        let (store, manager) = store(.resident, on: Meter())
        try run(store)
        manager.adopt(.resident, placement: nil)
        #expect(counter.living.withLock { $0 } == 4)
        manager.adopt(.sequential, placement: nil)
        #expect(counter.living.withLock { $0 } == 0)
        try run(store)
        #expect(counter.living.withLock { $0 } == 0)
    }

    @Test func failuresComeOut() throws {
        let (store, manager) = store(.stream(residentBlocks: 0), on: Meter())
        #expect(throws: WeightsError.tensor(.cancelled)) {
            // `#expect` does not pass a typed closure on, so the type is said.
            try store.withWeights(of: 0) { (_) throws(TensorError) -> Void in throw TensorError.cancelled }
        }
        let broken = BlockStore<Block>(
            Self.list, count: Self.blockCount + 1, in: WeightScope(source: Blocks(), backend: Meter())["blocks"],
            manager: manager
        ) { (scope, index) throws(WeightsError) in
            Block(index, try scope.matrix("weight", rows: 64, columns: 64), nil)
        }
        #expect(throws: WeightsError.tensorMissing(tensor: "blocks.4.weight", file: "model")) {
            try broken.withWeights(of: 4) { _ in }
        }
    }
}
