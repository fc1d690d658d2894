import Dispatch
import Testing

@testable import ServiceAPI

/// Results in forms that are made of what is kept, while others want the same.
@Suite struct ConvertingTests {
    private func status(_ client: TestClient, _ path: String) throws -> Int {
        try client.ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n").status
    }

    /// As many conversions as may wait: a further one is told to come again, and nothing else has to wait for them.
    @Test func conversionsHoldUpNothingElse() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        client.send(ServiceFixture.form([], image: try ServiceFixture.png(), path: "/v1/jobs"))
        let job = try #require(try client.readAnswer().fields["location"])
        #expect(eventually { (try? status(client, "\(job)/manifest")) == 200 })
        let gate = DispatchSemaphore(value: 0)
        for _ in 0..<BoundedQueue.mostPieces { try fixture.service.converting.run { gate.wait() } }
        let converted = [
            "layers.zip?layer_format=webp", "layers.zip?trim=true", "layers.psd?group=false", "result?metadata=false",
            "result?format=psb", "result?format=ora", "result?format=pptx", "result?format=sheet",
        ]
        for path in converted {
            let answer = try client.ask("GET \(job)/\(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.status == 503 && answer.fields["retry-after"] != nil, "\(path)")
        }
        let kept = ["layers.zip", "layers.psd", "layers/1.png", "manifest", "result", "result?format=json"]
        for path in kept { #expect(try status(client, "\(job)/\(path)") == 200, "\(path)") }
        #expect(try status(client, "/v1/jobs") == 200)
        for _ in 0..<BoundedQueue.mostPieces { gate.signal() }
        for path in converted {
            #expect(eventually { (try? status(client, "\(job)/\(path)")) == 200 }, "\(path)")
        }
        fixture.stop()
    }
}
