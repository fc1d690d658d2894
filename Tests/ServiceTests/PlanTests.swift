import Foundation
import ImageCodecs
import LayerFitting
import QwenImage
import ServiceAPI
import Testing

/// Forecasts, and jobs that are refused because of them.
@Suite struct PlanTests {
    private func plan(_ request: [UInt8], limit: Int? = nil) throws -> (status: Int, body: [String: Any]) {
        let fixture = try ServiceFixture(FakeDecomposer(memoryLimitBytes: limit))
        defer { fixture.stop() }
        let client = try fixture.client()
        client.send(request)
        let answer = try client.readAnswer()
        return (answer.status, try ServiceFixture.json(answer.body))
    }

    private static func json(_ text: String) -> [UInt8] {
        ServiceFixture.request("/v1/plan", more: "Content-Type: application/json\r\n", body: Array(text.utf8))
    }

    private static func bare(_ query: String) -> [UInt8] {
        Array("POST /v1/plan\(query) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".utf8)
    }

    struct Way: Sendable, CustomTestStringConvertible {
        let name: String
        let request: @Sendable () throws -> [UInt8]
        let width: Int
        let height: Int
        var testDescription: String { name }
    }

    /// Every way to say the picture's size; the fake engine answers it as the layers'.
    static let ways = [
        Way(name: "nothing", request: { bare("") }, width: 64, height: 64),
        Way(name: "query", request: { bare("?width=120&height=80&layers=3") }, width: 120, height: 80),
        Way(name: "resolution", request: { bare("?resolution=128") }, width: 128, height: 128),
        Way(name: "JSON", request: { json(#"{"width": 120, "height": 8e1, "layers": 3}"#) }, width: 120, height: 80),
        Way(
            name: "form",
            request: { ServiceFixture.form([("width", "9"), ("height", "8")], image: nil, path: "/v1/plan") },
            width: 9, height: 8),
        Way(
            name: "form with a picture",
            request: { ServiceFixture.form([], image: try ServiceFixture.png(width: 7, height: 4), path: "/v1/plan") },
            width: 7, height: 4),
        Way(
            name: "picture",
            request: {
                ServiceFixture.request(
                    "/v1/plan", more: "Content-Type: image/png\r\n",
                    body: try ServiceFixture.png(width: 7, height: 4))
            }, width: 7, height: 4),
    ]

    @Test(arguments: ways)
    func takesSizeOrPicture(_ way: Way) throws {
        let (status, body) = try plan(try way.request())
        #expect(status == 200)
        #expect(body["width"] as? Int == way.width && body["height"] as? Int == way.height)
        #expect(body["fits"] as? Bool == true)
    }

    @Test(arguments: [
        ("?width=5", 422), ("?width=0&height=5", 422), ("?width=5&height=99999", 422), ("?width=5&width=5", 400),
        ("?width=x&height=5", 422), ("?width=101&height=100", 422), ("?layers=0", 422), ("?format=zip", 400),
    ])
    func refuses(_ query: String, _ expected: Int) throws {
        #expect(try plan(Self.bare(query)).status == expected)
    }

    @Test func pictureAndSizeExcludeEachOther() throws {
        let request = ServiceFixture.form([("width", "9")], image: try ServiceFixture.png(), path: "/v1/plan")
        #expect(try plan(request).status == 422)
    }

    /// Nothing fits: an answer for a plan, a refusal for a job, before anything runs.
    @Test func whatDoesNotFitIsRefused() throws {
        let limit = 256 * 256 * 4
        let (status, body) = try plan(Self.bare("?resolution=512&layers=4"), limit: limit)
        #expect(status == 200 && body["fits"] as? Bool == false)
        #expect(body["smallest_bytes"] as? Int == 512 * 512 * 4)

        let decomposer = FakeDecomposer(memoryLimitBytes: limit)
        let fixture = try ServiceFixture(decomposer, keepsJobs: true)
        defer { fixture.stop() }
        let client = try fixture.client()
        let checker = try OpenAPIChecker()
        for path in ["/v1/layers", "/v1/jobs"] {
            client.send(
                ServiceFixture.form(
                    [("resolution", "512"), ("layers", "4")], image: try ServiceFixture.png(), path: path))
            let answer = try client.readAnswer()
            #expect(answer.status == 422)
            #expect(checker.problems(answer, "POST", path).isEmpty)
            let problem = try ServiceFixture.json(answer.body)
            #expect(problem["type"] as? String == "urn:mica:problem:does-not-fit")
            let fitting = try #require(problem["fitting"] as? [String: Any])
            #expect(fitting["resolution"] as? Int == 256 && fitting["layers"] as? Int == 4)
            #expect(fitting["fits"] as? Bool == true)
            #expect((problem["plan"] as? [String: Any])?["fits"] as? Bool == false)
            #expect((problem["detail"] as? String)?.contains("with resolution 256 and layers 4 it fits") == true)
        }
        #expect(decomposer.started.value == 0)
        client.send(ServiceFixture.form([("resolution", "256"), ("layers", "4")], image: try ServiceFixture.png()))
        #expect(try client.readAnswer().status == 200)
    }

    /// A job that only the host cannot hold is refused by the host's numbers, and not by the device's.
    @Test func theHostIsNamedWhereItIsTooSmall() throws {
        let fixture = try ServiceFixture(FakeDecomposer(memoryLimitBytes: 1 << 40, hostLimitBytes: 1 << 20))
        defer { fixture.stop() }
        let client = try fixture.client()
        client.send(ServiceFixture.form([("resolution", "512"), ("layers", "4")], image: try ServiceFixture.png()))
        let answer = try client.readAnswer()
        let problems = try OpenAPIChecker().problems(answer, "POST", "/v1/layers")
        #expect(answer.status == 422 && problems.isEmpty, "\(problems)")
        let problem = try ServiceFixture.json(answer.body)
        let detail = try #require(problem["detail"] as? String)
        #expect(detail.hasPrefix("the job needs 1.1 MiB on the host, of which it may have 1.0 MiB"), "\(detail)")
        let plan = try #require(problem["plan"] as? [String: Any])
        #expect(plan["host_budget_bytes"] as? Int == 1 << 20)
        #expect(plan["smallest_host_bytes"] as? Int == 512 * 512 * 4 + 10)
    }
}
