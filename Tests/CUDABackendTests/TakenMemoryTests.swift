import CUDABackend
import Synchronization
import TensorCore
import Testing

/// Device memory that another process takes as soon as it is free; each in a process of its own, where nobody else has
/// the emulated device catch up.
@Suite(.enabled(if: TestDevice.refuseMemory != nil, "no emulated device"))
struct TakenMemoryTests {
    /// A block that was kept, and given back to the driver for a new one that did not come, is not lent again: there is
    /// another, or an error.
    @Test func whatWasGivenBackIsNotLent() async throws {
        await #expect(processExitsWith: .success) {
            let refuse = try #require(TestDevice.refuseMemory)
            let backend = try TestDevice.backend { $0.precision = .float32 }
            let side = 1024
            func weight(_ value: Float) throws -> Tensor {
                try backend.weight(ConstantMemory(value: value, count: side * side).tensor([side, side]))
            }
            for refusals in [2, 3] as [Int32] {
                // Kept after its use, while the device has not caught up with that.
                _ = try backend.gatherRows(weight(1), [0])
                refuse(refusals)
                if refusals == 3 {
                    #expect(throws: TensorError.self) { _ = try weight(2) }
                } else {
                    let row = try backend.download(backend.gatherRows(weight(2), [0]))
                    let isRight = row.allSatisfy { $0 == 2 }
                    #expect(isRight)
                }
                refuse(0)
                let row = try backend.download(backend.gatherRows(weight(3), [Int32(side - 1)]))
                let isRight = row.allSatisfy { $0 == 3 }
                #expect(isRight)
            }
        }
    }

    /// Weights of another device that go because one has no memory: what it then gets is its own all the same.
    @Test func anotherDevicesWeightsMayGo() async throws {
        await #expect(processExitsWith: .success) {
            let refuse = try #require(TestDevice.refuseMemory)
            let backends = try (0..<2).map { try TestDevice.backend($0) { $0.precision = .float32 } }
            let held = Held(try backends[1].weight(ConstantMemory(value: 1, count: 64).tensor([8, 8])))
            backends[0].setMemoryPressure { held.drop() }
            refuse(1)
            let values = Pseudo.values(1000, seed: 1)
            #expect(try backends[0].download(backends[0].upload(values, [1000])) == values)
            #expect(!held.drop())
        }
    }
}

/// A tensor until it is dropped.
private final class Held: Sendable {
    private let tensor: Mutex<Tensor?>

    init(_ tensor: Tensor) {
        self.tensor = Mutex(tensor)
    }

    /// False if it was before.
    func drop() -> Bool {
        tensor.withLock { tensor in
            defer { tensor = nil }
            return tensor != nil
        }
    }
}
