import Foundation
import ServiceAPI
import Testing

/// `openapi.yaml` and the service say the same.
@Suite struct OpenAPITests {
    private let checker: OpenAPIChecker

    init() throws { checker = try OpenAPIChecker() }

    @Test func theServedDocumentIsTheFile() throws {
        let fixture = try ServiceFixture()
        let answer = try fixture.client().ask("GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.fields["content-type"] == "application/yaml")
        #expect(try answer.text == String(contentsOf: OpenAPIChecker.file, encoding: .utf8), "run `make openapi`")
        fixture.stop()
    }

    @Test func routesAndMethodsAreTheSame() throws {
        #expect(Set(checker.paths.keys) == Set(Route.allCases.map(\.path)))
        for route in Route.allCases {
            let methods = checker.paths[route.path].map { $0.keys.map { $0.uppercased() }.sorted() }
            #expect(methods == route.methods.sorted(), "\(route.path)")
        }
    }

    @Test func parametersAndRangesAreTheSame() throws {
        let names = Set(LayerParameter.names).union([
            "fit", "clean_up", "empty_below", "opaque_above", "speck_area", "empty_layers", "priority",
            "deadline_seconds",
        ])
        for schema in ["LayersForm", "LayersJSON"] {
            let form = try #require(checker.schemas[schema]?["properties"] as? [String: Any])
            #expect(Set(form.keys) == names.union(["image"]), "\(schema)")
        }
        for schema in ["SplitForm", "SplitJSON"] {
            let form = try #require(checker.schemas[schema]?["properties"] as? [String: Any])
            #expect(Set(form.keys) == names, "\(schema)")
        }
        try nullIsAllowed()
        for schema in ["PlanForm", "PlanJSON"] {
            let form = try #require(checker.schemas[schema]?["properties"] as? [String: Any])
            #expect(Set(form.keys) == names.union(["image", "width", "height"]), "\(schema)")
        }
        let forms = ["format", "layer_format", "trim", "group", "metadata"]
        for (path, more) in [
            ("/v1/layers", forms), ("/v1/jobs", []), ("/v1/plan", ["width", "height"]),
            ("/v1/jobs/{id}/layers/{n}/layers", forms + ["image"]),
        ] {
            let operation = try #require(checker.paths[path]?["post"] as? [String: Any])
            let query = try #require(operation["parameters"] as? [Any]).map { checker.resolved($0) }
                .filter { $0["in"] as? String == "query" }
            #expect(Set(query.compactMap { $0["name"] as? String }) == names.union(more))
            guard let format = query.first(where: { $0["name"] as? String == "format" }) else { continue }
            let formats = (format["schema"] as? [String: Any])?["enum"] as? [String]
            #expect(formats == ResultFormat.allCases.map(\.rawValue))
        }

        // Each bound is accepted, and the next value beyond it refused: the service knows the same range.
        let bounded = [
            "layers": "Layers", "num_inference_steps": "NumInferenceSteps", "resolution": "Resolution",
            "num_images_per_prompt": "NumImagesPerPrompt", "max_sequence_length": "MaxSequenceLength",
            "first_block_cache": "FirstBlockCache",
        ]
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        for (name, schema) in bounded {
            let least = try #require(checker.schemas[schema]?["minimum"] as? Int)
            let most = try #require(checker.schemas[schema]?["maximum"] as? Int)
            for (value, status) in [(least, 200), (most, 200), (least - 1, 422), (most + 1, 422)] {
                client.send(ServiceFixture.form([(name, "\(value)")], image: try ServiceFixture.png()))
                #expect(try client.readAnswer().status == status, "\(name) = \(value)")
            }
        }
        fixture.stop()
    }

    /// In JSON every member but a picture that is needed may be null, as the service has it.
    private func nullIsAllowed() throws {
        for schema in ["LayersJSON", "SplitJSON", "PlanJSON", "ImageEditJSON"] {
            let object = try #require(checker.schemas[schema])
            let required = object["required"] as? [String] ?? []
            for (name, member) in try #require(object["properties"] as? [String: Any]) {
                let member = checker.resolved(member)
                let types = member["type"] as? [String] ?? []
                let choices = (member["anyOf"] as? [[String: Any]] ?? []).compactMap { $0["type"] as? String }
                let values = member["enum"] as? [Any] ?? []
                let mayBeNull = (types + choices).contains("null") || values.contains { $0 is NSNull }
                #expect(mayBeNull != required.contains(name), "\(schema).\(name)")
            }
        }
    }

    /// Every fixed path, every kind of result and of refusal, as the document has them.
    @Test func answersAreAsDocumented() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        func check(_ request: [UInt8], _ method: String, _ path: String, _ status: Int) throws {
            client.send(request)
            let answer = try client.readAnswer()
            #expect(answer.status == status, "\(method) \(path): \(answer.text.prefix(300))")
            let problems = checker.problems(answer, method, path)
            #expect(problems.isEmpty, "\(problems)")
        }
        let png = try ServiceFixture.png()
        for path in Route.allCases.map(\.path) where !path.contains("{") && !path.hasPrefix("/v1/") {
            try check(Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8), "GET", path, 200)
        }
        for path in ["/v1/models", "/v1/jobs"] {
            try check(Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8), "GET", path, 200)
        }
        for format in ResultFormat.allCases {
            try check(
                ServiceFixture.form([("prompt", "")], image: png, query: "?format=\(format.rawValue)"), "POST",
                "/v1/layers", 200)
        }
        try check(ServiceFixture.form([("layers", "0")], image: png), "POST", "/v1/layers", 422)
        try check(ServiceFixture.form([], image: png, more: "Prefer: respond-async\r\n"), "POST", "/v1/layers", 202)
        try check(ServiceFixture.form([], image: png, path: "/v1/jobs"), "POST", "/v1/jobs", 202)
        try check(ServiceFixture.form([("x", "1")], image: png, path: "/v1/jobs"), "POST", "/v1/jobs", 400)
        try check(ServiceFixture.form([("layers", "3")], image: png, path: "/v1/plan"), "POST", "/v1/plan", 200)
        try check(ServiceFixture.form([("layers", "0")], image: nil, path: "/v1/plan"), "POST", "/v1/plan", 422)
        try check(ServiceFixture.form([("x", "0")], image: nil, path: "/v1/plan"), "POST", "/v1/plan", 400)
        try check(
            ServiceFixture.form([], image: png, path: "/v1/images/edits"), "POST", "/v1/images/edits", 200)
        try check(
            ServiceFixture.form([("model", "x")], image: png, path: "/v1/images/edits"), "POST", "/v1/images/edits",
            404)
        fixture.stop()
    }
}
