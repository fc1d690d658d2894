import CUDABackend
import Foundation
import TensorCore
import Testing

/// A device that is newer than the compiler; in a process of its own, since its environment says so.
@Suite(.enabled(if: TestDevice.failNext != nil, "no emulated device"))
struct ArchitectureTests {
    /// The emulated NVRTC knows 9.0 and not 9.3: the device runs what is compiled for the former.
    @Test func aNewDeviceRunsWhatAnOlderOneDoes() async throws {
        await #expect(processExitsWith: .success) {
            setenv("MICA_EMULATED_MINOR", "3", 1)
            let backend = try TestDevice.backend()
            let ones = try backend.upload([Float](repeating: 1, count: 64), [64])
            try backend.accumulate(ones, ones)
            let isRight = try backend.download(ones).allSatisfy { $0 == 2 }
            #expect(isRight)
        }
    }
}
