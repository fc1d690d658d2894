import CUDABackend
import Dispatch
import Synchronization
import TensorCore
import Testing

/// Host memory that devices copy from in place; each in a process of its own, of which all that is registered is.
@Suite(.enabled(if: TestDevice.copiesInPlace != nil, "no emulated device"))
struct RegisteredMemoryTests {
    /// The least that is registered, and a little: 64 MiB as rows of a matrix.
    private static let rows = 16 << 10
    private static let columns = 1024
    private static let byteCount = rows * columns * 4

    /// The copies from registered memory that a weight took; its values are as they should be.
    private static func copies(_ memory: ConstantMemory, _ value: Float, on backend: CUDABackend) throws -> Int32 {
        let copies = try #require(TestDevice.copiesInPlace)
        let before = copies()
        let weight = try backend.weight(memory.tensor([rows, columns]))
        let row = try backend.download(backend.gatherRows(weight, [Int32(rows - 1)]))
        let isRight = row.allSatisfy { $0 == value }
        #expect(isRight)
        return copies() - before
    }

    /// What one device has registered is copied from in place by others too, and let go of with the last of them: the
    /// context that it was registered in, with which it would end, is there as long.
    @Test func isOneForAllDevices() async throws {
        await #expect(processExitsWith: .success) {
            let registered = try #require(TestDevice.registeredBytes)
            let memory = ConstantMemory(value: 3, count: Self.rows * Self.columns)
            var backends = try (0..<2).map { try TestDevice.backend($0) { $0.precision = .float32 } }
            for backend in backends + backends {
                #expect(try Self.copies(memory, 3, on: backend) == 1)
                #expect(registered() >= Self.byteCount && registered() < Self.byteCount + 8192)
            }
            backends.removeFirst()
            #expect(registered() > 0 && TestDevice.holders?(0) == 1)
            #expect(try Self.copies(memory, 3, on: backends[0]) == 1)
            backends = []
            #expect(registered() == 0 && TestDevice.holders?(0) == 0)
        }
    }

    /// Beyond the bound bytes pass through slots, whichever device asks.
    @Test func isBound() async throws {
        await #expect(processExitsWith: .success) {
            let registered = try #require(TestDevice.registeredBytes)
            let limit = Self.byteCount * 3 / 2
            let memories = (1...3).map { ConstantMemory(value: Float($0), count: Self.rows * Self.columns) }
            let backends = try (0..<2).map {
                try TestDevice.backend($0) { ($0.precision, $0.registeredLimitBytes) = (.float32, limit) }
            }
            for (index, memory) in memories.enumerated() {
                for backend in backends {
                    #expect(try Self.copies(memory, Float(index + 1), on: backend) == (index == 0 ? 1 : 0))
                    #expect(registered() <= limit)
                }
            }
            let none = try TestDevice.backend { $0.registeredLimitBytes = 0 }
            #expect(try Self.copies(memories[1], 2, on: none) == 0)
        }
    }

    /// Memory that was registered in a context that is lost is registered again by the next backend.
    @Test func isRegisteredAgainAfterALoss() async throws {
        await #expect(processExitsWith: .success) {
            let (registered, failNext) = (try #require(TestDevice.registeredBytes), try #require(TestDevice.failNext))
            let memory = ConstantMemory(value: 5, count: Self.rows * Self.columns)
            var backend = try TestDevice.backend { $0.precision = .float32 }
            #expect(try Self.copies(memory, 5, on: backend) == 1)
            failNext("cuStreamSynchronize", 700)
            #expect(throws: TensorError.self) { try backend.synchronize() }
            #expect(registered() == 0)
            backend = try TestDevice.backend { $0.precision = .float32 }
            #expect(try Self.copies(memory, 5, on: backend) == 1)
            #expect(registered() > 0)
        }
    }

    /// A registration that takes its time.
    private enum Slow {
        static let hasBegun = DispatchSemaphore(value: 0)
        static let mayEnd = DispatchSemaphore(value: 0)
        static let isFirst = Atomic<Bool>(true)

        /// Only the first one does. Gives up rather than hang, if the test waits for it.
        static func pass() {
            guard isFirst.exchange(false, ordering: .relaxed) else { return }
            hasBegun.signal()
            _ = mayEnd.wait(timeout: .now() + 10)
        }
    }

    /// While the driver registers memory for one device, which takes seconds, another one copies: the same memory
    /// through its slots, and other memory from where it is.
    @Test func othersDoNotWaitForIt() async throws {
        await #expect(processExitsWith: .success) {
            let registered = try #require(TestDevice.registeredBytes)
            let memories = [5, 7].map { ConstantMemory(value: $0, count: Self.rows * Self.columns) }
            let backends = try (0..<2).map { try TestDevice.backend($0) { $0.precision = .float32 } }
            let registering = try #require(TestDevice.registering)
            registering { Slow.pass() }
            let first = DispatchQueue(label: "first device")
            first.async { #expect(throws: Never.self) { _ = try Self.copies(memories[0], 5, on: backends[0]) } }
            Slow.hasBegun.wait()
            #expect(try Self.copies(memories[0], 5, on: backends[1]) == 0)
            #expect(try Self.copies(memories[1], 7, on: backends[1]) == 1)
            #expect(registered() < 2 * Self.byteCount)
            Slow.mayEnd.signal()
            first.sync {}
            #expect(registered() >= 2 * Self.byteCount)
            #expect(try Self.copies(memories[0], 5, on: backends[1]) == 1)
        }
    }

    /// No copy is under way that nobody would wait for before its block is lent to others.
    @Test func nothingIsCopiedWithoutAMark() async throws {
        await #expect(processExitsWith: .success) {
            let (copies, failNext) = (try #require(TestDevice.copiesInPlace), try #require(TestDevice.failNext))
            let memory = ConstantMemory(value: 7, count: Self.rows * Self.columns)
            let backend = try TestDevice.backend { $0.precision = .float32 }
            let before = copies()
            failNext("cuEventCreate", 2)
            #expect(throws: TensorError.self) { try backend.weight(memory.tensor([Self.rows, Self.columns])) }
            #expect(copies() == before && !backend.isLost)
            #expect(try Self.copies(memory, 7, on: backend) == 1)
        }
    }
}
