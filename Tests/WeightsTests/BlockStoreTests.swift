import Synchronization
import TensorCore
import Testing
import Weights

@Suite struct BlockStoreTests {
    /// Counts what is loaded and what is still alive.
    private final class Counter: Sendable {
        let loads = Mutex<[Int]>([])
        let living = Mutex(0)
    }

    private final class Block: Sendable {
        let index: Int
        let counter: Counter

        init(_ index: Int, _ counter: Counter) {
            self.index = index
            self.counter = counter
            counter.living.withLock { $0 += 1 }
        }

        deinit {
            counter.living.withLock { $0 -= 1 }
        }
    }

    private let counter = Counter()

    private func store(_ residency: BlockResidency) -> BlockStore<Block> {
        BlockStore(count: 3, residency: residency) { [counter] index in
            counter.loads.withLock { $0.append(index) }
            return Block(index, counter)
        }
    }

    private func runTwice(_ store: BlockStore<Block>) throws -> [Int] {
        var seen: [Int] = []
        for _ in 0..<2 {
            for index in 0..<store.count {
                seen.append(try store.withWeights(of: index) { $0.index })
            }
        }
        return seen
    }

    @Test func residentBlocksAreLoadedOnce() throws {
        let store = store(.resident)
        #expect(counter.loads.withLock { $0 } == [])
        #expect(try runTwice(store) == [0, 1, 2, 0, 1, 2])
        #expect(counter.loads.withLock { $0 } == [0, 1, 2])
        #expect(counter.living.withLock { $0 } == 3)
        store.releaseAll()
        #expect(counter.living.withLock { $0 } == 0)
        #expect(try store.withWeights(of: 1) { $0.index } == 1)
        #expect(counter.loads.withLock { $0 } == [0, 1, 2, 1])
    }

    @Test func sequentialBlocksAreDroppedAfterUse() throws {
        let store = store(.sequential)
        #expect(try store.withWeights(of: 0) { _ in counter.living.withLock { $0 } } == 1)
        #expect(counter.living.withLock { $0 } == 0)
        #expect(try runTwice(store) == [0, 1, 2, 0, 1, 2])
        #expect(counter.loads.withLock { $0 } == [0, 0, 1, 2, 0, 1, 2])
        #expect(counter.living.withLock { $0 } == 0)
    }

    @Test func failuresComeOut() throws {
        let store = store(.resident)
        #expect(throws: WeightsError.tensor(.cancelled)) {
            // `#expect` does not pass a typed closure on, so the type is said.
            try store.withWeights(of: 0) { (_) throws(TensorError) -> Void in throw TensorError.cancelled }
        }
        let missing = WeightsError.tensorMissing(tensor: "blocks.1.weight", file: "transformer")
        let broken = BlockStore<Int>(count: 2, residency: .resident) { (index) throws(WeightsError) in
            guard index == 0 else { throw missing }
            return index
        }
        #expect(try broken.withWeights(of: 0) { $0 } == 0)
        #expect(throws: missing) { try broken.withWeights(of: 1) { $0 } }
    }
}
