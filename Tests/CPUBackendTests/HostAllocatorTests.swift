import CPUBackend
import Dispatch
import Glibc
import TensorCore
import Testing

/// The blocks of the host allocator: where they lie, when they are kept, what they count.
struct HostAllocatorTests {
    /// Sizes on both sides of the line between the C library's blocks and the system's own.
    private static let sizes = [0, 1, 63, 64, 65, 4095, 32_767, 32_768, 32_769, 1 << 20, 9 << 20]

    @Test(arguments: sizes)
    func blocksAreAlignedAndWhole(_ size: Int) throws {
        let allocator = HostAllocator(limitBytes: nil)
        let block = try allocator.allocate(size, operation: "a test")
        #expect(UInt(bitPattern: block) % 64 == 0)
        memset(block, 0x5a, size)
        let used = allocator.memory.usedBytes
        #expect(used >= max(size, 1) && used < size + HostPages.pageBytes)
        allocator.recycle(block, byteCount: size)
        #expect(allocator.memory == MemoryUse(usedBytes: 0, peakBytes: used))
    }

    @Test func blocksDoNotOverlap() throws {
        let allocator = HostAllocator(limitBytes: nil)
        let blocks = try Self.sizes.map { ($0, try allocator.allocate($0, operation: "a test")) }
        for (index, (size, block)) in blocks.enumerated() { memset(block, Int32(index), size) }
        for (index, (size, block)) in blocks.enumerated() {
            let bytes = UnsafeRawBufferPointer(start: block, count: size)
            #expect(bytes.allSatisfy { $0 == UInt8(index) })
        }
        for (size, block) in blocks { allocator.recycle(block, byteCount: size) }
        #expect(allocator.memory.usedBytes == 0)
    }

    @Test func freedBlockIsReused() throws {
        let allocator = HostAllocator(limitBytes: nil)
        let size = HostAllocator.mappedBlockBytes + 1
        let first = try allocator.allocate(size, operation: "a test")
        allocator.recycle(first, byteCount: size)
        #expect(allocator.keptBytes >= size)
        // Another count of bytes that rounds to the same size.
        let second = try allocator.allocate(size + 1, operation: "a test")
        #expect(second == first)
        #expect(allocator.keptBytes == 0)
        allocator.recycle(second, byteCount: size + 1)
        allocator.releaseKept()
        #expect(allocator.keptBytes == 0)
    }

    /// Any order of requests: what is used and kept together is never more than the most that was used at once.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func keptNeverExceedsPeak(_ seed: UInt64) throws {
        let allocator = HostAllocator(limitBytes: nil)
        var random = Random(state: seed)
        var held: [(Int, UnsafeMutableRawPointer)] = []
        var most = 0
        for step in 0..<2000 {
            if random.next(below: 5) < 3, held.count < 12 {
                // A few sizes come again and again; half of them are kept when freed.
                let size = (1 + random.next(below: 8)) << (14 + random.next(below: 6))
                held.append((size, try allocator.allocate(size, operation: "a test")))
            } else if !held.isEmpty {
                let (size, block) = held.remove(at: random.next(below: held.count))
                allocator.recycle(block, byteCount: size)
            }
            if step % 701 == 700 {
                allocator.resetPeak()
                most = 0
            }
            let memory = allocator.memory
            most = max(most, memory.usedBytes)
            #expect(memory.peakBytes == most)
            #expect(memory.usedBytes + allocator.keptBytes <= memory.peakBytes)
        }
        for (size, block) in held { allocator.recycle(block, byteCount: size) }
        #expect(allocator.memory.usedBytes == 0)
        allocator.releaseKept()
        #expect(allocator.keptBytes == 0)
    }

    /// Blocks that are made of others' pages, in any order of requests: none changes what another one holds.
    @Test(arguments: [4, 5] as [UInt64])
    func pagesMoveToOneBlockAtMost(_ seed: UInt64) throws {
        let allocator = HostAllocator(limitBytes: nil)
        var random = Random(state: seed)
        var held: [(size: Int, mark: UInt8, block: UnsafeMutableRawPointer)] = []
        // The peak, so that what is freed later is kept.
        let most = try allocator.allocate(96 << 20, operation: "a test")
        allocator.recycle(most, byteCount: 96 << 20)
        for step in 0..<150 {
            let size = 1 + random.next(below: 24 << 20)
            if held.map(\.size).reduce(size, +) < 90 << 20 {
                let block = try allocator.allocate(size, operation: "a test")
                memset(block, Int32(step), size)
                held.append((size, UInt8(step), block))
            } else {
                let (size, mark, block) = held.remove(at: random.next(below: held.count))
                let bytes = UnsafeRawBufferPointer(start: block, count: size)
                #expect(stride(from: 0, to: size, by: 4096).allSatisfy { bytes[$0] == mark } && bytes[size - 1] == mark)
                allocator.recycle(block, byteCount: size)
            }
            #expect(allocator.memory.usedBytes + allocator.keptBytes <= allocator.memory.peakBytes)
        }
        for (size, _, block) in held { allocator.recycle(block, byteCount: size) }
        allocator.releaseKept()
        #expect(allocator.memory.usedBytes == 0 && allocator.keptBytes == 0)
    }

    /// A block as large as the peak made of two kept ones, one made of a part of it, and one of all parts again: no
    /// page is asked for again.
    @Test func pagesOfKeptBlocksAreUsed() throws {
        let allocator = HostAllocator(limitBytes: nil)
        let half = 16 << 20
        let parts = try (0..<2).map { _ in try allocator.allocate(half, operation: "a test") }
        for part in parts { memset(part, 1, half) }
        for part in parts { allocator.recycle(part, byteCount: half) }
        let whole = try allocator.allocate(2 * half, operation: "a test")
        #expect(Self.isResident(whole, 2 * half))
        allocator.recycle(whole, byteCount: 2 * half)
        let part = try allocator.allocate(half / 2, operation: "a test")
        #expect(Self.isResident(part, half / 2))
        #expect(allocator.keptBytes == 2 * half - half / 2)
        allocator.recycle(part, byteCount: half / 2)
        let again = try allocator.allocate(2 * half, operation: "a test")
        #expect(Self.isResident(again, 2 * half))
        #expect(allocator.keptBytes == 0)
        memset(again, 2, 2 * half)
        allocator.recycle(again, byteCount: 2 * half)
        allocator.releaseKept()
    }

    /// Whole pages where blocks are mapped, whatever a page is.
    @Test(
        arguments: [
            (1, 4096, 64), (32_767, 4096, 32_768), (32_769, 4096, 36_864), (32_768, 65_536, 65_536),
            (65_537, 65_536, 131_072), (3 << 20, 65_536, 3 << 20),
        ])
    func blocksAreWholePages(_ byteCount: Int, _ pageBytes: Int, _ size: Int) {
        #expect(HostAllocator.roundedSize(byteCount, pageBytes: pageBytes) == size)
    }

    /// What one keeps makes room for the other, and goes with the allocator.
    @Test func keptBlocksCountAgainstASharedLimit() throws {
        let (shared, some) = (SharedMemoryLimit(limitBytes: 100 << 20), 60 << 20)
        let other = HostAllocator(limitBytes: nil, shared: shared)
        do {
            let one = HostAllocator(limitBytes: nil, shared: shared)
            let first = try one.allocate(some, operation: "a test")
            #expect(throws: TensorError.self) { try other.allocate(some, operation: "a test") }
            one.recycle(first, byteCount: some)
            // Its own it takes again, although there would be no room for two.
            let again = try one.allocate(some, operation: "a test")
            #expect(again == first)
            one.recycle(again, byteCount: some)
            #expect(one.keptBytes == some && shared.keptBytes == some)
            let block = try other.allocate(some, operation: "a test")
            #expect(one.keptBytes == 0 && shared.usedBytes == some && shared.keptBytes == 0)
            other.recycle(block, byteCount: some)
            try one.lend(some, operation: "a test")
            #expect(other.keptBytes == 0 && shared.usedBytes == some)
            one.takeBack(some)
            one.recycle(try one.allocate(some, operation: "a test"), byteCount: some)
            #expect(one.keptBytes == some)
        }
        #expect(shared.usedBytes == 0 && shared.keptBytes == 0)
    }

    /// What one has freed is not kept beside what another takes: together they stay below the most that was in use at
    /// once, as one alone does.
    @Test func keptBlocksDoNotRaiseTheCommonPeak() throws {
        let shared = SharedMemoryLimit(limitBytes: nil)
        let (one, other) = (
            HostAllocator(limitBytes: nil, shared: shared), HostAllocator(limitBytes: nil, shared: shared)
        )
        #expect(one.smallestLimitBytes == nil)
        let (large, small) = (8 << 20, 3 << 20)
        one.recycle(try one.allocate(large, operation: "a test"), byteCount: large)
        #expect(one.keptBytes == large)
        let first = try other.allocate(small, operation: "a test")
        #expect(one.keptBytes + small <= large)
        // Its own is kept as far as the peak allows, and used again.
        other.recycle(first, byteCount: small)
        let again = try other.allocate(small, operation: "a test")
        #expect(again == first)
        let block = try one.allocate(large, operation: "a test")
        other.recycle(again, byteCount: small)
        one.recycle(block, byteCount: large)
        #expect(shared.keptBytes == large + small)
        one.resetPeak()
        other.resetPeak()
        #expect(shared.keptBytes == 0)
    }

    /// Several at the same time, in any order of requests: together they hold no more than the limit.
    @Test func sharedLimitHoldsForThreads() throws {
        let limit = 64 << 20
        let shared = SharedMemoryLimit(limitBytes: limit)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            let allocator = HostAllocator(limitBytes: nil, shared: shared)
            var random = Random(state: UInt64(thread))
            var held: [(Int, UnsafeMutableRawPointer)] = []
            for _ in 0..<500 {
                let size = (1 + random.next(below: 8)) << (17 + random.next(below: 4))
                if random.next(below: 2) == 0, let block = try? allocator.allocate(size, operation: "a test") {
                    held.append((size, block))
                } else if !held.isEmpty {
                    let (size, block) = held.remove(at: random.next(below: held.count))
                    allocator.recycle(block, byteCount: size)
                }
                #expect(allocator.memory.usedBytes + allocator.keptBytes <= limit)
            }
            for (size, block) in held { allocator.recycle(block, byteCount: size) }
        }
        #expect(shared.usedBytes == 0 && shared.keptBytes == 0)
    }

    /// True if memory stands behind every page.
    private static func isResident(_ block: UnsafeMutableRawPointer, _ size: Int) -> Bool {
        var pages = [UInt8](repeating: 0, count: size / HostPages.pageBytes)
        return mincore(block, size, &pages) == 0 && pages.allSatisfy { $0 & 1 == 1 }
    }

    /// A linear congruential generator is random enough for an order of requests.
    private struct Random {
        var state: UInt64

        mutating func next(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }
}
