import Foundation
import Testing

/// `mica serve` on an emulated GPU that fails in the middle of a job.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MICA_EMULATOR"] != nil, "no emulated device"))
struct LostGPUTests {
    private static let job = "resolution=64&layers=1&steps=1&seed=1&fit=model&prompt=x"
    private static let arguments = [
        "--state-folder", "none", "--model",
        MicaProcess.fixtures.appendingPathComponent("checkpoints/tiny").path,
    ]

    /// The GPU, whose launch of this number fails: one of the first job, after what is launched at the start.
    private static func environment(more: String = "") -> [String: String] {
        ["MICA_DEVICE": "cuda:0", "MICA_EMULATED_FAILURE": "cuLaunchKernel:400:700" + more, "MICA_DRAIN_SECONDS": "1"]
    }

    private func picture() throws -> [UInt8] {
        try [UInt8](Data(contentsOf: MicaProcess.fixtures.appendingPathComponent("cases/full-tiny/input.png")))
    }

    /// The job that loses the device fails; the next one, and forecasts, find it opened anew.
    @Test func theNextJobHasTheDeviceAgain() throws {
        let service = try ServeProcess(Self.arguments, environment: Self.environment())
        let lost = try service.post("/v1/layers?format=json&\(Self.job)", picture: picture())
        #expect(lost.status == 500 && lost.json["type"] as? String == "urn:mica:problem:engine-failed")
        #expect(try service.get("/readyz").status == 200)
        let plan = try service.get("/v1/plan?\(Self.job)", method: "POST")
        // By figures of a GPU: what the host's processors measure is nobody's speed here.
        #expect(plan.status == 200 && plan.json["rates"] as? String == "published")
        #expect(try service.post("/v1/layers?format=json&\(Self.job)", picture: picture()).status == 200)
        #expect(service.stop().status == 0)
    }

    /// A device that no reset brings back ends the service, which says why, with a status that has it started again.
    @Test func aDeviceThatIsLostForGoodEndsTheService() throws {
        let service = try ServeProcess(Self.arguments, environment: Self.environment(more: ":stays"))
        #expect(try service.post("/v1/layers?format=json&\(Self.job)", picture: picture()).status == 500)
        let readiness = try service.get("/readyz")
        #expect(readiness.status == 503 && readiness.json["status"] as? String == "broken")
        #expect((readiness.json["reason"] as? String)?.contains("cuda:0 was lost") == true)
        let plan = try service.get("/v1/plan?\(Self.job)", method: "POST")
        #expect((plan.json["detail"] as? String)?.contains("cannot be opened again") == true)
        let (status, log) = service.waitForEnd()
        #expect(status == 1 && log.contains("the service ended: cuda:0 was lost"), "\(log)")
    }
}
