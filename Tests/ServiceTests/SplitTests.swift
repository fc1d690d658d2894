import Foundation
import HTTPProtocol
import ImageCodecs
import ServiceAPI
import Synchronization
import Testing

/// A layer of a result, split again; and what becomes of the layers on the way.
@Suite struct SplitTests {
    private let checker: OpenAPIChecker
    private static let template = "/v1/jobs/{id}/layers/{n}/layers"

    init() throws { checker = try OpenAPIChecker() }

    private func post(
        _ client: TestClient, _ path: String, more: String = "", body: String = ""
    ) throws -> TestClient.Answer {
        let answer = try client.ask(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)")
        let problems = checker.problems(answer, "POST", Self.template)
        #expect(problems.isEmpty, "\(problems)")
        return answer
    }

    private func finishedJob(_ fixture: ServiceFixture, _ client: TestClient, layers: Int) throws -> String {
        client.send(
            ServiceFixture.form([("layers", "\(layers)")], image: try ServiceFixture.png(), path: "/v1/jobs"))
        let path = try #require(try client.readAnswer().fields["location"])
        #expect(
            eventually {
                let answer = try? client.ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                return (answer.flatMap { try? ServiceFixture.json($0.body)["state"] as? String }) == "succeeded"
            })
        return path
    }

    private func flat(_ result: [String: Any]) throws -> PixelBuffer {
        let layers = try (result["layers"] as? [[String: Any]] ?? []).map { layer in
            let png = try #require(Data(base64Encoded: layer["png"] as? String ?? ""))
            return ImageLayer(name: "layer", pixels: try ImageDecoder.decode([UInt8](png)).pixels)
        }
        return Composite.flatten(try LayerTree(layers: layers))
    }

    @Test func aLayerBecomesAGroup() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        let job = try finishedJob(fixture, client, layers: 3)
        let split = try post(client, "\(job)/layers/1/layers?layers=2&format=json")
        #expect(split.status == 200, "\(split.text)")
        let result = try ServiceFixture.json(split.body)
        let layers = try #require(result["layers"] as? [[String: Any]])
        #expect(layers.compactMap { $0["groups"] as? [String] } == [["background"], ["background"]])
        #expect(layers.count == 4 && Set(layers.compactMap { $0["name"] as? String }).count == 4)
        // The picture is still the picture.
        let before = try client.ask("GET \(job)/result?format=json HTTP/1.1\r\nHost: a\r\n\r\n")
        let (old, new) = (try flat(try ServiceFixture.json(before.body)), try flat(result))
        #expect(zip(old.bytes, new.bytes).allSatisfy { abs(Int($0) - Int($1)) <= 1 } && old.width == new.width)
        fixture.stop()
    }

    /// What is forecast, before the job is taken and when it begins, is a part of the layer and the layers beside it.
    @Test func theLayersBesideItAreForecast() throws {
        let decomposer = FakeDecomposer(memoryLimitBytes: 1 << 20)
        let fixture = try ServiceFixture(decomposer, keepsJobs: true)
        let client = try fixture.client()
        let job = try finishedJob(fixture, client, layers: 3)
        #expect(decomposer.lastPlanned.withLock { $0?.others } == nil)
        #expect(decomposer.lastOthers.withLock { $0 } == nil)
        #expect(try post(client, "\(job)/layers/2/layers?layers=2&format=json").status == 200)
        let planned = try #require(decomposer.lastPlanned.withLock { $0 })
        let others = try #require(planned.others)
        #expect(others.count == 2 && others.heldBytes > others.pixelBytes)
        // As counted when the job's files have been read.
        #expect(decomposer.lastOthers.withLock { $0 } == others)
        let picture = try ImageDecoder.decode(try ServiceFixture.png()).pixels
        #expect(others.width == picture.width && others.height == picture.height)
        #expect(planned.height < picture.height)
        fixture.stop()
    }

    @Test func asAJobWithParametersInTheBody() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        let job = try finishedJob(fixture, client, layers: 3)
        let json = "Content-Type: application/json\r\nPrefer: respond-async\r\n"
        let answer = try post(
            client, "\(job)/layers/2/layers", more: json, body: "{\"layers\": \"auto\", \"max_layers\": 2}")
        #expect(answer.status == 202, "\(answer.text)")
        let path = try #require(answer.fields["location"])
        #expect(
            eventually {
                (try? client.ask("GET \(path)/manifest HTTP/1.1\r\nHost: a\r\n\r\n").status) == 200
            })
        // A group's layer can be split in its turn.
        #expect(try post(client, "\(path)/layers/2/layers?layers=1&format=psd").status == 200)
        fixture.stop()
    }

    @Test func whatCannotBeSplit() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        // The fake engine's layers above the fourth are empty.
        let job = try finishedJob(fixture, client, layers: 6)
        for (path, status) in [
            ("layers/7/layers", 404), ("layers/6/layers", 422), ("layers/1/layers?image=2", 404),
            ("layers/1/layers?layers=17", 422), ("layers/1/layers?x=1", 400), ("layers/1/layers?max_layers=3", 422),
            ("layers/1/layers?fit=best", 422), ("layers/1/layers?speck_area=-1", 422),
        ] {
            #expect(try post(client, "\(job)/\(path)").status == status, "\(path)")
        }
        let png = "Content-Type: image/png\r\n"
        #expect(try post(client, "\(job)/layers/1/layers", more: png, body: "x").status == 415)
        fixture.stop()
    }

    @Test func emptyLayersAreKeptOrDropped() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        for (fields, count) in [
            ([("layers", "6")], 6), ([("layers", "6"), ("empty_layers", "drop")], 4),
            ([("layers", "auto"), ("max_layers", "6")], 4), ([("layers", "auto")], 4),
        ] {
            client.send(
                ServiceFixture.form(fields, image: try ServiceFixture.png(), query: "?format=json"))
            let layers = try ServiceFixture.json(try client.readAnswer().body)["layers"] as? [[String: Any]]
            #expect(layers?.count == count, "\(fields)")
        }
        fixture.stop()
    }
}
