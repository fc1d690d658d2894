import Foundation
import ServiceAPI
import Testing
import Yams

/// `openapi.yaml` and the service say the same.
@Suite struct OpenAPITests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("openapi.yaml")

    private func document() throws -> [String: Any] {
        try #require(try Yams.load(yaml: String(contentsOf: Self.file, encoding: .utf8)) as? [String: Any])
    }

    @Test func theServedDocumentIsTheFile() throws {
        let fixture = try ServiceFixture()
        let answer = try fixture.client().ask("GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.fields["content-type"] == "application/yaml")
        #expect(try answer.text == String(contentsOf: Self.file, encoding: .utf8), "run `make openapi`")
        fixture.stop()
    }

    @Test func routesAndMethodsAreTheSame() throws {
        let paths = try #require(try document()["paths"] as? [String: [String: Any]])
        #expect(Set(paths.keys) == Set(Route.allCases.map(\.rawValue)))
        for route in Route.allCases {
            #expect(paths[route.rawValue].map { Array($0.keys) } == [route.method.lowercased()])
        }
    }

    @Test func parametersAndRangesAreTheSame() throws {
        let document = try document()
        let names = Set(LayerParameter.names)
        let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]])
        let form = try #require(schemas["LayersForm"]?["properties"] as? [String: Any])
        #expect(Set(form.keys) == names.union(["image"]))
        let operation = try #require(
            ((document["paths"] as? [String: Any])?["/v1/layers"] as? [String: Any])?["post"] as? [String: Any])
        let query = try #require(operation["parameters"] as? [[String: Any]])
        #expect(Set(query.compactMap { $0["name"] as? String }) == names.union(["format"]))
        let formats = try #require((query[0]["schema"] as? [String: Any])?["enum"] as? [String])
        #expect(formats == ResultFormat.allCases.map(\.rawValue))

        // Each bound is accepted, and the next value beyond it refused: the service knows the same range.
        let bounded = [
            "layers": "Layers", "num_inference_steps": "NumInferenceSteps", "resolution": "Resolution",
            "num_images_per_prompt": "NumImagesPerPrompt", "max_sequence_length": "MaxSequenceLength",
        ]
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        for (name, schema) in bounded {
            let least = try #require(schemas[schema]?["minimum"] as? Int)
            let most = try #require(schemas[schema]?["maximum"] as? Int)
            for (value, status) in [(least, 200), (most, 200), (least - 1, 422), (most + 1, 422)] {
                client.send(ServiceFixture.form([(name, "\(value)")], image: try ServiceFixture.png()))
                #expect(try client.readAnswer().status == status, "\(name) = \(value)")
            }
        }
        fixture.stop()
    }

    @Test func schemasHoldWhatAResultSays() throws {
        let document = try document()
        let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]])
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(ServiceFixture.form([("prompt", "")], image: try ServiceFixture.png(), query: "?format=json"))
        let result = try ServiceFixture.json(try client.readAnswer().body)
        func compare(_ value: [String: Any], _ schema: [String: Any]) throws {
            let properties = try #require(schema["properties"] as? [String: Any])
            #expect(Set(value.keys).isSubset(of: Set(properties.keys)))
            #expect(Set(schema["required"] as? [String] ?? []).isSubset(of: Set(value.keys)))
        }
        let schema = try #require(schemas["Result"])
        try compare(result, schema)
        let properties = try #require(schema["properties"] as? [String: [String: Any]])
        try compare(try #require(result["parameters"] as? [String: Any]), try #require(properties["parameters"]))
        for name in ["layers", "psd"] {
            let item = try #require(properties[name]?["items"] as? [String: Any])
            for value in try #require(result[name] as? [[String: Any]]) { try compare(value, item) }
        }
        client.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        try compare(try ServiceFixture.json(try client.readAnswer().body), try #require(schemas["Problem"]))
        fixture.stop()
    }
}
