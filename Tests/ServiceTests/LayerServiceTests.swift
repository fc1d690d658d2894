import Foundation
import HTTPProtocol
import HTTPTransport
import ImageCodecs
import QwenImage
import ServiceAPI
import Testing

@Suite struct LayerServiceTests {
    // MARK: Results

    @Test func aFormGivesDescriptionLayersAndPSD() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(
            ServiceFixture.form(
                [
                    ("layers", "3"), ("prompt", "a poster, ünïcode\r\nsecond line"), ("steps", "2"),
                    ("seed", "18446744073709551615"), ("fit", "model"), ("clean_up", "false"),
                ],
                image: try ServiceFixture.png()))
        let answer = try client.readAnswer()
        #expect(answer.status == 200 && answer.fields["vary"] == "Accept")
        let parts = try ServiceFixture.parts(answer)
        #expect(parts.map(\.name) == ["result", "layer_1", "layer_2", "layer_3", "psd"])
        #expect(parts.map(\.fileName) == [nil, "layer_1.png", "layer_2.png", "layer_3.png", "layers.psd"])
        #expect(
            parts.map { $0.mediaType?.essence } == [
                "application/json", "image/png", "image/png", "image/png", "image/vnd.adobe.photoshop",
            ])

        let result = try ServiceFixture.json(parts[0].content)
        #expect(result["model"] as? String == "fake" && result["caption"] == nil)
        let loras = try #require(result["loras"] as? [[String: Any]])
        #expect(loras.map { $0["name"] as? String } == ["line, art"] && loras[0]["weight"] as? Double == 0.5)
        #expect(result["width"] as? Int == 6 && result["height"] as? Int == 4)
        #expect((result["seed"] as? NSNumber)?.uint64Value == UInt64.max)
        let parameters = try #require(result["parameters"] as? [String: Any])
        #expect(parameters["prompt"] as? String == "a poster, ünïcode\r\nsecond line")
        #expect(parameters["num_inference_steps"] as? Int == 2 && parameters["resolution"] as? Int == 64)
        // What was not asked for and has no default is not there.
        let shown = LayerParameter.allCases.filter { ![.maxLayers, .firstBlockCache].contains($0) }
        #expect(Set(parameters.keys) == Set(shown.map(\.rawValue)))
        let seconds = try #require(result["seconds"] as? [String: Double])
        #expect(seconds["denoise"] == 0.25 && seconds["decode"] == 0.5 && seconds["fit"] != nil)
        #expect(result["fit"] as? String == "model")
        let layers = try #require(result["layers"] as? [[String: Any]])
        #expect(layers.map { $0["name"] as? String } == ["background", "layer 2, center", "layer 3, center"])
        #expect(layers.map { $0["part"] as? String } == ["layer_1", "layer_2", "layer_3"])
        #expect(layers[0]["box"] as? [String: Int] == ["x": 0, "y": 0, "width": 6, "height": 4])
        #expect(layers[2]["box"] as? [String: Int] == ["x": 1, "y": 2, "width": 3, "height": 1])

        for index in 0..<3 {
            let pixels = try ImageDecoder.decode(Array(parts[1 + index].content)).pixels
            #expect(try pixels == FakeDecomposer.layer(image: 0, index: index))
        }
        #expect(parts[4].content.starts(with: Array("8BPS".utf8)))
        fixture.stop()
    }

    /// An engine that can do no job any more makes the service unready, with its reason; it is alive all the same.
    @Test func aBrokenEngineIsSaid() throws {
        let fixture = try ServiceFixture(FakeDecomposer(fault: "cuda:0 was lost"))
        let client = try fixture.client()
        let answer = try client.ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.status == 503 && answer.fields["retry-after"] == "5")
        let json = try ServiceFixture.json(answer.body)
        #expect(json as? [String: String] == ["status": "broken", "reason": "cuda:0 was lost"])
        #expect(try client.ask("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        fixture.stop()
    }

    /// What is applied to the model is said where the model is: in the list of models and in the files.
    @Test func activeLoRAsAreNamed() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        let models = try ServiceFixture.json(client.ask("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n").body[...])
        let model = try #require((models["data"] as? [[String: Any]])?.first)
        let alone = try client.ask("GET /v1/models/fake HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try NSDictionary(dictionary: ServiceFixture.json(alone.body[...])) == NSDictionary(dictionary: model))
        #expect(try client.ask("GET /v1/models/other HTTP/1.1\r\nHost: a\r\n\r\n").status == 404)
        #expect((model["loras"] as? [[String: Any]])?.first?["name"] as? String == "line, art")
        client.send(ServiceFixture.form([], image: try ServiceFixture.png(), query: "?format=psd"))
        let file = try client.readAnswer().body
        for text in [#"LoRAs: &quot;line, art:0.5&quot;, Layers:"#, "line, art"] {
            #expect(file.firstRange(of: Array(text.utf8)) != nil, "\(text)")
        }
        fixture.stop()
    }

    @Test func aRawPictureTakesItsParametersFromTheQuery() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        for type in ["Content-Type: image/png\r\n", "Content-Type: application/octet-stream\r\n", ""] {
            client.send(
                ServiceFixture.request(
                    query:
                        "?layers=1&prompt=a%20b+c&caption_language=zh&cfg_normalize=false"
                        + "&true_cfg_scale=2.5&dtype=bfloat16"
                        + "&generator=cuda&max_sequence_length=7&first_block_cache=0.25&negative_prompt=",
                    more: type, body: try ServiceFixture.png()))
            let parts = try ServiceFixture.parts(try client.readAnswer())
            #expect(parts.map(\.name) == ["result", "layer_1", "psd"])
            let result = try ServiceFixture.json(parts[0].content)
            let parameters = try #require(result["parameters"] as? [String: Any])
            #expect(parameters["prompt"] as? String == "a b c" && parameters["use_en_prompt"] as? Bool == false)
            #expect(parameters["cfg_normalize"] as? Bool == false && parameters["true_cfg_scale"] as? Double == 2.5)
            #expect(parameters["dtype"] as? String == "bfloat16" && parameters["generator"] as? String == "cuda")
            #expect(parameters["first_block_cache"] as? Double == 0.25)
            #expect(parameters["max_sequence_length"] as? Int == 7 && parameters["negative_prompt"] as? String == "")
        }
        fixture.stop()
    }

    @Test func severalImagesHaveNamesOfTheirOwn() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(ServiceFixture.form([("images", "2"), ("layers", "16")], image: try ServiceFixture.png()))
        let parts = try ServiceFixture.parts(try client.readAnswer())
        #expect(parts.count == 1 + 32 + 2)
        #expect(parts[1].name == "image_1_layer_1" && parts[32].name == "image_2_layer_16")
        #expect(parts[33].name == "image_1_psd" && parts[34].fileName == "image_2.psd")
        let result = try ServiceFixture.json(parts[0].content)
        let layers = try #require(result["layers"] as? [[String: Any]])
        #expect(layers[16]["image"] as? Int == 2 && layers[16]["index"] as? Int == 1)
        // An empty layer has no box.
        #expect(layers[4]["box"] == nil && layers[3]["box"] != nil)
        #expect(result["caption"] as? String == "a caption")
        fixture.stop()
    }

    @Test(
        arguments: [
            ("?format=zip", "", "application/zip", "layers.zip"),
            ("?format=psd", "", "image/vnd.adobe.photoshop", "layers.psd"),
            ("?format=json", "", "application/json", nil),
            ("", "Accept: application/zip\r\n", "application/zip", "layers.zip"),
            ("", "Accept: image/vnd.adobe.photoshop\r\n", "image/vnd.adobe.photoshop", "layers.psd"),
            ("", "Accept: text/html, application/json;q=0.5\r\n", "application/json", nil),
            ("?format=zip", "Accept: application/json\r\n", "application/zip", "layers.zip"),
            ("?format=multipart", "Accept: application/json\r\n", "multipart/form-data", nil),
            ("?format=mixed", "", "multipart/mixed", nil),
            ("", "Accept: multipart/mixed, multipart/form-data;q=0.9\r\n", "multipart/mixed", nil),
        ] as [(String, String, String, String?)])
    func theClientChoosesTheForm(query: String, accept: String, type: String, fileName: String?) throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(
            ServiceFixture.form(
                [("fit", "model"), ("clean_up", "false")], image: try ServiceFixture.png(), query: query,
                more: accept))
        let answer = try client.readAnswer()
        #expect(answer.status == 200 && MediaType(answer.fields["content-type"] ?? "")?.essence == type)
        #expect(answer.fields["content-disposition"] == fileName.map { "attachment; filename=\"\($0)\"" })
        switch type {
        case "application/zip":
            #expect(answer.body.starts(with: Array("PK".utf8)))
            #expect(answer.body.firstRange(of: Array("manifest.json".utf8)) != nil)
            #expect(answer.body.firstRange(of: Array("layer_2.png".utf8)) != nil)
        case "application/json":
            let layers = try #require(try ServiceFixture.json(answer.body)["layers"] as? [[String: Any]])
            let png = try #require(Data(base64Encoded: layers[1]["png"] as? String ?? ""))
            #expect(try ImageDecoder.decode(Array(png)).pixels == FakeDecomposer.layer(image: 0, index: 1))
        case "multipart/form-data", "multipart/mixed": #expect(try ServiceFixture.parts(answer).count == 4)
        default: #expect(answer.body.starts(with: Array("8BPS".utf8)))
        }
        fixture.stop()
    }

    // MARK: Waiting line

    @Test func aFullLineIsRefused() throws {
        let fixture = try ServiceFixture(FakeDecomposer(holds: true), waitingLimit: 1)
        let request = ServiceFixture.form([], image: try ServiceFixture.png())
        let (running, waiting, third) = (try fixture.client(), try fixture.client(), try fixture.client())
        running.send(request)
        #expect(eventually { fixture.decomposer.started.value == 1 })
        waiting.send(request)
        #expect(eventually { fixture.service.waitingCount == 1 })
        third.send(request)
        let answer = try third.readAnswer()
        #expect(answer.status == 503 && Int(answer.fields["retry-after"] ?? "") ?? 0 >= 1)
        #expect(try ServiceFixture.json(answer.body)["type"] as? String == "urn:mica:problem:queue-full")
        fixture.decomposer.letGo()
        #expect(try running.readAnswer().status == 200)
        fixture.decomposer.letGo()
        #expect(try waiting.readAnswer().status == 200)
        fixture.stop()
    }

    @Test func aClientThatGoesCancelsItsJobAlone() throws {
        let fixture = try ServiceFixture(FakeDecomposer(holds: true), waitingLimit: 2)
        let request = ServiceFixture.form([], image: try ServiceFixture.png())
        let (running, leaving, staying) = (try fixture.client(), try fixture.client(), try fixture.client())
        running.send(request)
        #expect(eventually { fixture.decomposer.started.value == 1 })
        leaving.send(request)
        staying.send(request)
        #expect(eventually { fixture.service.waitingCount == 2 })
        leaving.close()
        #expect(eventually { fixture.service.waitingCount == 1 })
        running.close()
        #expect(eventually { fixture.decomposer.cancelled.value == 1 })
        #expect(eventually { fixture.decomposer.started.value == 2 })
        fixture.decomposer.letGo()
        #expect(try staying.readAnswer().status == 200)
        #expect(fixture.decomposer.started.value == 2 && fixture.decomposer.finished.value == 1)
        fixture.stop()
    }

    @Test func aStopCancelsWhatDoesNotEndInTime() throws {
        let fixture = try ServiceFixture(FakeDecomposer(holds: true))
        let client = try fixture.client()
        client.send(ServiceFixture.form([], image: try ServiceFixture.png()))
        #expect(eventually { fixture.decomposer.started.value == 1 })
        fixture.server.stop(graceSeconds: 0.1)
        #expect(eventually { fixture.decomposer.cancelled.value == 1 })
    }

    @Test func theLogHoldsNoPrompt() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(
            ServiceFixture.request(
                query: "?prompt=secret", more: "X-Request-Id: r1\r\n", body: try ServiceFixture.png()))
        #expect(try client.readAnswer().status == 200)
        _ = try client.ask("GET /missing?prompt=secret HTTP/1.1\r\nHost: a\r\n\r\n")
        fixture.stop()
        #expect(!fixture.logs.lines.joined().contains("secret"))
        let lines = fixture.logs.lines.filter { $0.hasPrefix("request ") }
        #expect(lines.count == 2)
        #expect(fixture.logs.lines.contains { $0.hasPrefix("job ") && $0.contains("state=succeeded") })
        #expect(
            lines[0].contains("method=POST") && lines[0].contains("path=/v1/layers")
                && lines[0].contains("request_id=r1"))
        #expect(lines[0].contains("status=200") && lines[1].contains("status=404"))
    }
}
