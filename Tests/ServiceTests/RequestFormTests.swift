import Foundation
import ImageCodecs
import ServiceAPI
import Testing

/// Requests in JSON and in OpenAI's shape.
@Suite struct RequestFormTests {
    private func post(_ client: TestClient, _ path: String, json: String) throws -> TestClient.Answer {
        client.send(
            ServiceFixture.request(path, more: "Content-Type: application/json\r\n", body: Array(json.utf8)))
        return try client.readAnswer()
    }

    @Test func jsonWithBase64() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        let image = Data(try ServiceFixture.png()).base64EncodedString()
        for (more, status) in [
            ("", 200), (", \"layers\": 3, \"prompt\": \"a\\u00e9\\ud83d\\ude00\\n\", \"cfg_normalize\": true", 200),
            (", \"layers\": 3.0", 200), (", \"seed\": 18446744073709551615", 200), (", \"seed\": null", 200),
            (", \"layers\": \"3\"", 422), (", \"layers\": 17", 422), (", \"layers\": 1.5", 422),
            (", \"layers\": true", 422),
            (", \"x\": 1", 400), (", \"layers\": [1]", 400), (", \"layers\": 1, \"layers\": 1", 400), (", ", 400),
            (", \"layers\": 01", 400), (", \"prompt\": \"\\ud800\"", 400), (", \"prompt\": \"\u{1}\"", 400),
        ] {
            let answer = try post(client, "/v1/layers?format=json", json: "{\"image\": \"\(image)\"\(more)}")
            #expect(answer.status == status, "\(more): \(answer.text.prefix(200))")
        }
        let word = try post(client, "/v1/layers", json: "{\"image\": \"\(image)\", \"layers\": \"AUTO\"}")
        #expect(word.status == 422 && word.text.contains(#"but must be a JSON number, or \"auto\""#), "\(word.text)")
        let url = try post(client, "/v1/layers", json: "{\"image\": \"data:image/png;base64,\(image)\"}")
        #expect(url.status == 200)
        let shouted = try post(client, "/v1/layers", json: "{\"image\": \"DATA:image/png;BASE64,\(image)\"}")
        #expect(shouted.status == 200)
        for (text, status) in [
            ("{\"image\": \"%%%\"}", 422), ("{\"image\": 1}", 422), ("{}", 400), ("[]", 400),
            ("{\"image\": \"\"}", 400),
            ("{\"image\": \"https://elsewhere.example/a.png\"}", 422), ("{\"image\": \"aGVsbG8=\"}", 415),
        ] { #expect(try post(client, "/v1/layers", json: text).status == status, "\(text)") }
        fixture.stop()
    }

    @Test func openAIsShape() throws {
        let fixture = try ServiceFixture()
        let checker = try OpenAPIChecker()
        let client = try fixture.client()
        func edit(_ fields: [(String, String)], _ status: Int) throws -> TestClient.Answer {
            client.send(ServiceFixture.form(fields, image: try ServiceFixture.png(), path: "/v1/images/edits"))
            let answer = try client.readAnswer()
            #expect(answer.status == status, "\(fields): \(answer.text.prefix(200))")
            let problems = checker.problems(answer, "POST", "/v1/images/edits")
            #expect(problems.isEmpty, "\(problems)")
            return answer
        }
        let good = try edit(
            [
                ("prompt", "x"), ("n", "2"), ("layers", "3"), ("model", "owner/fake"), ("size", "640x640"),
                ("user", "u"), ("fit", "model"), ("clean_up", "false"),
                ("response_format", "b64_json"), ("num_inference_steps", "2"), ("true_cfg_scale", "4.0"),
                ("stream", "false"), ("quality", "high"), ("input_fidelity", "high"), ("moderation", "low"),
                ("output_compression", "100"), ("partial_images", "0"),
            ], 200)
        let data = try #require(try ServiceFixture.json(good.body)["data"] as? [[String: Any]])
        #expect(data.count == 6)
        let png = try #require(Data(base64Encoded: data[4]["b64_json"] as? String ?? ""))
        #expect(try ImageDecoder.decode(Array(png)).pixels == FakeDecomposer.layer(image: 1, index: 1))
        for (fields, status) in [
            ([("response_format", "url")], 422), ([("size", "640x480")], 422), ([("model", "other")], 404),
            ([("mask", "x")], 400), ([("stream", "true")], 422), ([("partial_images", "1")], 422),
            ([("n", "9")], 422), ([("n", "1"), ("images", "1")], 400),
        ] {
            let answer = try edit(fields, status)
            let error = try #require(try ServiceFixture.json(answer.body)["error"] as? [String: Any])
            let message = try #require(error["message"] as? String)
            if fields[0].0 == "mask" { #expect(message.contains("partial_images") && message.contains("model")) }
        }
        client.send(
            ServiceFixture.request(
                "/v1/images/edits", more: "Content-Type: image/png\r\n", body: try ServiceFixture.png()))
        let alone = try client.readAnswer()
        #expect(alone.status == 415 && !alone.text.contains("or the picture itself"))
        fixture.stop()
    }

    @Test func metricsCountWhatHappened() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(ServiceFixture.form([], image: try ServiceFixture.png()))
        #expect(try client.readAnswer().status == 200)
        #expect(try client.ask("GET /none HTTP/1.1\r\nHost: a\r\n\r\n").status == 404)
        let text = try client.ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").text
        for line in [
            "mica_http_requests_total{path=\"/v1/layers\",method=\"POST\",status=\"200\"} 1",
            "mica_http_requests_total{path=\"-\",method=\"GET\",status=\"404\"} 1", "mica_jobs_running 0",
            "mica_jobs_total{outcome=\"succeeded\"} 1", "mica_jobs_waiting{priority=\"normal\"} 0",
            "mica_job_queue_seconds_bucket{le=\"0.3\"} 1", "mica_job_seconds_count 1",
            "mica_job_inference_seconds_bucket{le=\"+Inf\"} 1",
            "mica_cache_requests_total{cache=\"caption\",outcome=\"hit\"} 1",
        ] { #expect(text.contains("\n\(line)\n"), "\(line)") }
        #expect(text.contains("process_resident_memory_bytes "))
        fixture.stop()
    }
}
