import Foundation
import HTTPProtocol
import Jobs
import ServiceAPI
import Testing

/// Jobs from the outside: made, followed, fetched, cancelled, forgotten.
@Suite struct JobTests {
    private let checker: OpenAPIChecker

    init() throws { checker = try OpenAPIChecker() }

    /// Asks, holds the answer against the document, and gives it.
    private func ask(
        _ client: TestClient, _ method: String, _ path: String, _ template: String, more: String = ""
    ) throws -> TestClient.Answer {
        let answer = try client.ask("\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(more)\r\n")
        let problems = checker.problems(answer, method, template)
        #expect(problems.isEmpty, "\(problems)")
        return answer
    }

    private func submit(_ client: TestClient, more: String = "", fields: [(String, String)] = []) throws -> String {
        client.send(ServiceFixture.form(fields, image: try ServiceFixture.png(), path: "/v1/jobs", more: more))
        let answer = try client.readAnswer()
        #expect(answer.status == 202, "\(answer.text)")
        #expect(checker.problems(answer, "POST", "/v1/jobs").isEmpty)
        return try #require(answer.fields["location"])
    }

    private func state(_ client: TestClient, _ path: String) throws -> String? {
        try ServiceFixture.json(try ask(client, "GET", path, "/v1/jobs/{id}").body)["state"] as? String
    }

    @Test func aJobFromItsBeginningToItsEnd() throws {
        let fixture = try ServiceFixture(FakeDecomposer(holds: true), keepsJobs: true)
        let client = try fixture.client()
        let first = try submit(client, fields: [("layers", "3"), ("images", "2"), ("prompt", "secret words")])
        let second = try submit(client)
        #expect(eventually { fixture.decomposer.started.value == 1 })
        #expect(try state(client, first) == "running")
        let waiting = try ServiceFixture.json(try ask(client, "GET", second, "/v1/jobs/{id}").body)
        #expect(waiting["state"] as? String == "queued" && waiting["position"] as? Int == 0)
        for path in ["result", "manifest", "layers.zip", "layers.psd", "layers/1.png"] {
            let template = "/v1/jobs/{id}/" + (path == "layers/1.png" ? "layers/{n}.png" : path)
            #expect(try ask(client, "GET", "\(first)/\(path)", template).status == 409)
        }
        fixture.decomposer.letGo()
        #expect(eventually { (try? state(client, first)) == "succeeded" })
        let job = try ServiceFixture.json(try ask(client, "GET", first, "/v1/jobs/{id}").body)
        let links = try #require(job["links"] as? [String: Any])
        #expect((links["layers"] as? [String])?.count == 6 && !"\(job)".contains("secret"))
        #expect((links["layers"] as? [String])?[4] == "\(first)/layers/2.png?image=2")
        for path in try #require(links["layers"] as? [String]) {
            let layer = try ask(client, "GET", path, "/v1/jobs/{id}/layers/{n}.png")
            #expect(layer.status == 200 && layer.body.starts(with: [0x89, 0x50]))
        }
        #expect(try ask(client, "GET", "\(first)/layers/4.png", "/v1/jobs/{id}/layers/{n}.png").status == 404)
        #expect(try ask(client, "GET", "\(first)/layers.psd?image=2", "/v1/jobs/{id}/layers.psd").status == 200)
        #expect(try ask(client, "GET", "\(first)/layers.zip", "/v1/jobs/{id}/layers.zip").status == 200)
        #expect(try ask(client, "GET", "\(first)/manifest", "/v1/jobs/{id}/manifest").status == 200)
        for format in ["multipart", "mixed", "zip", "json"] {
            #expect(try ask(client, "GET", "\(first)/result?format=\(format)", "/v1/jobs/{id}/result").status == 200)
        }
        #expect(try ask(client, "GET", "\(first)/result?format=psd", "/v1/jobs/{id}/result").status == 422)
        #expect(
            try ask(client, "GET", "\(first)/result", "/v1/jobs/{id}/result", more: "Accept: text/html\r\n").status
                == 406)

        let page = try ServiceFixture.json(try ask(client, "GET", "/v1/jobs?limit=1", "/v1/jobs").body)
        let cursor = try #require(page["next_cursor"] as? String)
        let nextAnswer = try ask(client, "GET", "/v1/jobs?limit=1&cursor=\(cursor)", "/v1/jobs")
        let next = try ServiceFixture.json(nextAnswer.body)
        let ids = [page, next].flatMap { ($0["jobs"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String } }
        #expect(ids == [second, first].map { String($0.dropFirst("/v1/jobs/".count)) })
        let long = String(repeating: "0", count: 201)
        for query in ["limit=0", "limit=101", "state=odd", "cursor=x", "cursor=\(long)"] {
            #expect(try ask(client, "GET", "/v1/jobs?\(query)", "/v1/jobs").status == 422, "\(query)")
        }

        #expect(try ask(client, "DELETE", first, "/v1/jobs/{id}").status == 204)
        #expect(try ask(client, "GET", first, "/v1/jobs/{id}").status == 404)
        #expect(eventually { fixture.decomposer.started.value == 2 })
        #expect(try ask(client, "DELETE", second, "/v1/jobs/{id}").status == 202)
        #expect(eventually { (try? state(client, second)) == "cancelled" })
        #expect(try ask(client, "GET", "\(second)/result", "/v1/jobs/{id}/result").status == 409)
        #expect(try ask(client, "GET", "/v1/jobs/AAAAAAAAAAAAAAAAAAAAAA", "/v1/jobs/{id}").status == 404)
        fixture.stop()
    }

    @Test func eventsTellEverythingInOrder() throws {
        let fixture = try ServiceFixture(
            FakeDecomposer(holds: true), keepsJobs: true, service: { $0.eventCommentSeconds = 0.1 })
        let client = try fixture.client()
        _ = try submit(client)
        let second = try submit(client)
        let follower = try fixture.client()
        follower.send("GET \(second)/events HTTP/1.0\r\nHost: a\r\n\r\n")
        try follower.wait(for: "\n: still here\n\n")
        fixture.decomposer.letGo()
        #expect(eventually { fixture.decomposer.started.value == 2 })
        fixture.decomposer.letGo()
        let text = String(decoding: try follower.readToEnd(), as: UTF8.self)
        #expect(text.contains("Content-Type: text/event-stream"))
        let names = text.split(separator: "\n").filter { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) }
        #expect(names.first == "waiting" && names.last == "ended" && names.contains("progress"), "\(names)")
        #expect(text.contains("\n: still here\n\n"))
        #expect(text.contains("event: preview\ndata: {\"image\":\"data:image/png;base64,iVBOR"))
        for block in text.components(separatedBy: "\n\n") {
            guard let event = block.range(of: "event: "), let data = block.range(of: "\ndata: ") else { continue }
            let value = try ServiceFixture.json(Array(block[data.upperBound...].utf8))
            let schemas = [
                "waiting": "JobWaiting", "progress": "JobProgress", "preview": "JobPreview", "ended": "Job",
            ]
            let schema = schemas[String(block[event.upperBound..<data.lowerBound])]
            let problems = checker.problems(value, checker.schemas[schema ?? ""] ?? [:], block)
            #expect(schema != nil && problems.isEmpty, "\(problems)")
        }
        let refused = try ask(client, "GET", "\(second)/events", "/v1/jobs/{id}/events", more: "Accept: a/b\r\n")
        #expect(refused.status == 406)
        fixture.stop()
    }

    /// A kept result is read while it is sent, and is what the same request gives from memory.
    @Test func keptResultsAreWhatTheyWouldBeAtOnce() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        let fields = [("layers", "3"), ("seed", "7"), ("prompt", "words")]
        let job = try submit(client, fields: fields)
        #expect(eventually { (try? state(client, job)) == "succeeded" })
        for query in ["format=zip", "format=zip&metadata=false", "format=psd", "format=psd&group=false", "format=ora"] {
            client.send(ServiceFixture.form(fields, image: try ServiceFixture.png(), query: "?\(query)"))
            let expected = try client.readAnswer()
            let kept = try ask(client, "GET", "\(job)/result?\(query)", "/v1/jobs/{id}/result")
            #expect(expected.status == 200 && kept.status == 200 && kept.body == expected.body, "\(query)")
            let head = try client.ask("HEAD \(job)/result?\(query) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(head.fields["content-length"] == "\(kept.body.count)" && head.fields["transfer-encoding"] == nil)
        }
        client.send(ServiceFixture.form(fields, image: try ServiceFixture.png()))
        let expected = try ServiceFixture.parts(try client.readAnswer()).dropFirst()
        let kept = try ServiceFixture.parts(try ask(client, "GET", "\(job)/result", "/v1/jobs/{id}/result"))
        #expect(kept.first?.name == "result" && kept.count == 5)
        #expect(kept.dropFirst().map { Array($0.content) } == expected.map { Array($0.content) })
        for number in 1...3 {
            let path = "\(job)/layers/\(number).png"
            #expect(try ask(client, "GET", path, "/v1/jobs/{id}/layers/{n}.png").body == Array(kept[number].content))
        }
        fixture.stop()
    }

    /// A stop that has nothing to wait for any more ends what waits for jobs that will not run.
    @Test func aStopEndsWhatWaitsForJobsThatLiveOn() throws {
        let fixture = try ServiceFixture(FakeDecomposer(holds: true), keepsJobs: true)
        let client = try fixture.client()
        _ = try submit(client)
        #expect(eventually { fixture.decomposer.started.value == 1 })
        let waiting = try submit(client)
        let (follower, patient, keyed) = (try fixture.client(), try fixture.client(), try fixture.client())
        follower.send("GET \(waiting)/events HTTP/1.0\r\nHost: a\r\n\r\n")
        let png = try ServiceFixture.png()
        patient.send(ServiceFixture.form([], image: png, more: "Prefer: wait=600\r\n"))
        keyed.send(ServiceFixture.form([], image: png, more: "Idempotency-Key: abc\r\n"))
        #expect(eventually { fixture.service.waitingCount == 3 && follower.hasInput })
        let idle = DispatchSemaphore(value: 0)
        fixture.service.stop(graceSeconds: 600) { idle.signal() }
        fixture.decomposer.letGo()
        idle.wait()
        let text = String(decoding: try follower.readToEnd(), as: UTF8.self)
        #expect(text.contains("text/event-stream") && !text.contains("event: ended"))
        let accepted = try patient.readAnswer()
        #expect(accepted.status == 202 && accepted.fields["location"]?.hasPrefix("/v1/jobs/") == true)
        let refused = try keyed.readAnswer()
        #expect(refused.status == 503 && refused.text.contains("urn:mica:problem:stopping"))
        #expect(checker.problems(refused, "POST", "/v1/layers").isEmpty)
        fixture.stop()
    }

    @Test func oneIdempotencyKeyIsOneJob() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        let first = try submit(client, more: "Idempotency-Key: abc\r\n")
        #expect(eventually { (try? state(client, first)) == "succeeded" })
        #expect(try submit(client, more: "Idempotency-Key: \"abc\"\r\n") == first)
        // The other path, with the result at once.
        client.send(
            ServiceFixture.form(
                [], image: try ServiceFixture.png(), query: "?format=zip", more: "Idempotency-Key: abc\r\n"))
        let replay = try client.readAnswer()
        #expect(replay.status == 200 && replay.fields["idempotent-replayed"] == "true")
        for (key, fields, status) in [("abc", [("layers", "1")], 422), ("a b", [], 400), ("", [], 400)] {
            // A request that is refused by its head ends the connection.
            let other = try fixture.client()
            other.send(
                ServiceFixture.form(
                    fields, image: try ServiceFixture.png(), path: "/v1/jobs", more: "Idempotency-Key: \(key)\r\n"))
            #expect(try other.readAnswer().status == status, "\(key)")
        }
        #expect(fixture.decomposer.started.value == 1)
        fixture.stop()
    }

    /// A job that was made where nobody asked for a PSD is answered in all forms, or says what there is not.
    @Test func keptJobsOfAllPathsHaveEveryForm() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        for path in ["/v1/images/edits", "/v1/layers?format=json"] {
            client.send(
                ServiceFixture.form(
                    [], image: try ServiceFixture.png(), path: path, more: "Idempotency-Key: \(path.utf8.count)\r\n"))
            #expect(try client.readAnswer().status == 200)
        }
        let list = try ServiceFixture.json(try ask(client, "GET", "/v1/jobs", "/v1/jobs").body)
        let ids = (list["jobs"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
        #expect(ids.count == 2)
        for id in ids {
            #expect(try ask(client, "GET", "/v1/jobs/\(id)/layers.psd", "/v1/jobs/{id}/layers.psd").status == 200)
            #expect(try ask(client, "GET", "/v1/jobs/\(id)/result", "/v1/jobs/{id}/result").status == 200)
            for (path, route, words) in [
                ("layers/9.png", "layers/{n}.png", "but no layer 9"),
                ("layers.psd?image=2", "layers.psd", "no image 2"),
            ] {
                let answer = try ask(client, "GET", "/v1/jobs/\(id)/\(path)", "/v1/jobs/{id}/\(route)")
                #expect(answer.status == 404 && answer.text.contains(words), "\(answer.text)")
            }
            let all = try ask(client, "GET", "/v1/jobs/\(id)/result?format=zip&image=1", "/v1/jobs/{id}/result")
            #expect(all.status == 422 && all.text.contains("left out"))
        }
        fixture.stop()
    }

    @Test func preferencesAndDeadlines() throws {
        let fixture = try ServiceFixture(FakeDecomposer(holds: true), keepsJobs: true)
        let client = try fixture.client()
        let png = try ServiceFixture.png()
        client.send(ServiceFixture.form([], image: png, more: "Prefer: wait=0, respond-async\r\n"))
        let asynchronous = try client.readAnswer()
        #expect(asynchronous.status == 202 && asynchronous.fields["preference-applied"] == "wait=0")
        client.send(ServiceFixture.form([], image: png, more: "Prefer: x=\"y, wait=0, z\", wait=1\r\n"))
        let waited = try client.readAnswer()
        #expect(waited.status == 202 && waited.fields["preference-applied"] == "wait=1")
        client.send(ServiceFixture.form([("deadline_seconds", "0.2")], image: png))
        let late = try client.readAnswer()
        #expect(late.status == 504, "\(late.text)")
        #expect(checker.problems(late, "POST", "/v1/layers").isEmpty)
        fixture.decomposer.letGo()
        fixture.decomposer.letGo()
        fixture.stop()
    }

    @Test func withoutAStoreNoJobIsPromised() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(ServiceFixture.form([], image: try ServiceFixture.png(), path: "/v1/jobs"))
        let answer = try client.readAnswer()
        #expect(answer.status == 503 && checker.problems(answer, "POST", "/v1/jobs").isEmpty)
        fixture.stop()
    }
}
