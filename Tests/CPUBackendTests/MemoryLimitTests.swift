import CPUBackend
import Foundation
import TensorCore
import Testing

/// What happens at the limits of memory, and that freed memory is the system's again.
struct MemoryLimitTests {
    @Test func limitIsAnErrorWithItsNumbers() throws {
        let backend = CPUBackend(threads: 1, limitBytes: 1 << 20)
        let half = try backend.allocate([1 << 17], .float32)
        #expect(
            throws: TensorError.outOfMemory(
                operation: "a tensor [131073]", neededBytes: (1 << 19) + HostPages.pageBytes, usedBytes: 1 << 19,
                limitBytes: 1 << 20)
        ) { try backend.allocate([(1 << 17) + 1], .float32) }
        // The refused request left nothing behind: exactly the other half still fits.
        let other = try backend.allocate([1 << 17], .float32)
        #expect(backend.memory.usedBytes == 1 << 20)
        withExtendedLifetime((half, other)) {}
    }

    @Test func limitCountsWhatIsUsedNotWhatWas() throws {
        let backend = CPUBackend(threads: 1, limitBytes: 1 << 20)
        for count in [1 << 18, 1 << 17, 3 << 16, 1 << 18] {
            let tensor = try backend.allocate([count], .float32)
            #expect(backend.memory.usedBytes == tensor.byteCount)
        }
        #expect(backend.memory == MemoryUse(usedBytes: 0, peakBytes: 1 << 20))
    }

    /// Scratch memory of an operation counts too, and the error names the operation.
    @Test func operationsNameThemselves() throws {
        let backend = CPUBackend(threads: 1, limitBytes: 200 << 10)
        let tokens = try backend.upload([Float](repeating: 0, count: 256), [8, 32])
        let expected = "attention"
        let error = #expect(throws: TensorError.self) {
            try backend.attention(tokens, tokens, tokens, AttentionLayout(heads: 1, headSize: 32))
        }
        guard case .outOfMemory(let operation, _, _, let limit) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(operation == expected && limit == 200 << 10)
    }

    /// Sizes beyond any machine: an error, no trap, however the bytes are counted.
    @Test(arguments: [1 << 46, 1 << 50, 1 << 58])
    func absurdSizesAreErrors(_ count: Int) throws {
        let shape = try #require(Shape(checking: [count]))
        for limit in [nil, 1 << 30] {
            let backend = CPUBackend(threads: 1, limitBytes: limit)
            #expect(
                throws: TensorError.outOfMemory(
                    operation: "a tensor [\(count)]", neededBytes: count * 8, usedBytes: 0, limitBytes: limit)
            ) { try backend.allocate(shape, .float64) }
            #expect(backend.memory.usedBytes == 0)
        }
    }

    /// Memory that was kept for reuse leaves the process when the backend is asked for it. In a process of its own,
    /// since the memory of other tests in this one comes and goes.
    @Test func freedMemoryGoesBackToTheSystem() async {
        await #expect(processExitsWith: .success) { try MemoryLimitTests.checkFreedMemoryGoesBack() }
    }

    private static func checkFreedMemoryGoesBack() throws {
        let byteCount = 256 << 20
        // What else a process does takes some memory too; half of a large block stands out.
        let clear = byteCount / 2
        let backend = CPUBackend(threads: 1)
        let before = try residentBytes()
        do {
            let tensor = try backend.allocate([byteCount / 4], .float32)
            // Writes every page.
            try backend.execute(.eulerStep(latents: tensor, prediction: tensor, delta: 0))
        }
        #expect(try residentBytes() > before + clear)
        backend.releaseUnusedMemory()
        #expect(try residentBytes() < before + clear)
    }

    /// Resident bytes of this process: the second number of statm, in pages.
    private static func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(fields[1])) * Int(getpagesize())
    }
}
