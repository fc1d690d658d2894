import CPUBackend
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
        #expect(used >= max(size, 1) && used < size + 4096)
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

    /// A linear congruential generator is random enough for an order of requests.
    private struct Random {
        var state: UInt64

        mutating func next(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }
}
