import CUDABackend
import TensorCore
import Testing

/// Errors that a context does not survive, each in a process of its own: they are everybody's who shares the device.
@Suite(.serialized, .enabled(if: TestDevice.failNext != nil, "no emulated device"))
struct LostDeviceTests {
    /// Two backends share a device. Who loses it first ends the context for the other too, which leaves the one that
    /// comes after it alone, although the driver gives that the same handle. At the end the new one alone is held.
    @Test func anotherBackendDoesNotEndTheNewContext() async throws {
        await #expect(processExitsWith: .success) {
            let failNext = try #require(TestDevice.failNext)
            var backends = [try TestDevice.backend(), try TestDevice.backend()]
            #expect(TestDevice.holders?(0) == 2)
            // Memory in use and kept, of the context that ends.
            var old: Tensor? = try backends[1].upload([1], [1])
            _ = try backends[1].upload([2], [1])
            failNext("cuStreamSynchronize", 700)
            #expect(throws: TensorError.self) { try backends[0].synchronize() }
            #expect(backends[0].isLost && backends[1].isLost)
            let new = try TestDevice.backend()
            let values = Pseudo.values(1000, seed: 1)
            let tensor = try new.upload(values, [1000])
            #expect(throws: TensorError.deviceLost(device: "cuda:0")) { try backends[1].synchronize() }
            #expect(!new.isLost)
            (old, backends) = (nil, [])
            #expect(old == nil)
            #expect(try new.download(tensor) == values)
            #expect(TestDevice.holders?(0) == 1)
        }
    }

    /// Errors whose context may be gone end it, and the next backend works; others leave it.
    @Test func sticks() async throws {
        await #expect(processExitsWith: .success) {
            let failNext = try #require(TestDevice.failNext)
            for code in [214, 700, 709, 719, 999] as [Int32] {
                let backend = try TestDevice.backend()
                failNext("cuStreamSynchronize", code)
                #expect(throws: TensorError.self) { try backend.synchronize() }
                #expect(backend.isLost, "\(code)")
                #expect(throws: TensorError.deviceLost(device: "cuda:0")) { try backend.allocate([1], .float32) }
            }
            #expect(TestDevice.holders?(0) == 0)
            _ = try TestDevice.backend().upload([1], [1])
        }
    }

    /// What is free beside a new context is told once its libraries have worked, as it was of the first.
    @Test func theLimitIsTheSameAfterALoss() async throws {
        await #expect(processExitsWith: .success) {
            let failNext = try #require(TestDevice.failNext)
            func open() throws -> CUDABackend {
                try TestDevice.backend { ($0.countsContext, $0.limitsToFree) = (true, true) }
            }
            var backend = try open()
            let limit = try #require(backend.limitBytes)
            failNext("cuStreamSynchronize", 700)
            #expect(throws: TensorError.self) { try backend.synchronize() }
            backend = try open()
            let memory = try backend.driverMemory()
            #expect(backend.limitBytes == limit && limit <= memory.totalBytes)
        }
    }

    /// A device that cannot be opened to its end is not held.
    @Test func whatDoesNotOpenIsNotHeld() async throws {
        await #expect(processExitsWith: .success) {
            let failNext = try #require(TestDevice.failNext)
            failNext("cuCtxSetCurrent", 2)
            #expect(throws: CUDAUnavailable.self) { _ = try TestDevice.backend() }
            #expect(TestDevice.holders?(0) == 0)
        }
    }
}
