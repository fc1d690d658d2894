import Foundation
import Testing

/// `mica devices` with an emulated GPU.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MICA_EMULATOR"] != nil, "no emulated device"))
struct DevicesCommandTests {
    /// A library that is there and does not start, as one of a newer CUDA than the driver's, is said to be of no use.
    @Test func librariesThatDoNotStartAreSaid() throws {
        let run = try MicaProcess(["devices"], environment: ["MICA_EMULATED_PRODUCTS": "1"])
        #expect(run.status == 0 && run.output.contains("cuda:0  Emulated GPU"))
        #expect(
            run.output.contains(
                "cuBLASLt does not start (cublasLtCreate answered 1): products run on Mica's own kernel"))
        #expect(try !MicaProcess(["devices"]).output.contains("does not start"))
    }
}
