import CUDABackend
import TensorCore
import Testing

/// Device memory that another process takes as soon as it is free; in a process of its own, where nobody else has the
/// emulated device catch up.
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
}
