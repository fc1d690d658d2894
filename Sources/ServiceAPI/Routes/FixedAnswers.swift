import HTTPProtocol
import ImageCodecs
import QwenImage

/// Answers that are the same each time, made once: load balancers ask often.
struct FixedAnswers: Sendable {
    let alive: Response
    let ready: Response
    let stopping: Response
    let health: Response
    let version: Response
    let description: Response
    let models: Response
    private let onlyModel: Response?
    private let modelName: String

    private struct Health: Encodable {
        let status: String
        let model: String
    }

    private struct Readiness: Encodable {
        let status: String
        var reason: String?
    }

    private struct Version: Encodable {
        let name: String
        let version: String
    }

    init(_ decomposer: any LayerDecomposer, _ configuration: LayerService.Configuration, created: Int) {
        alive = Answer.text("ok\n")
        ready = Answer.json(Readiness(status: "ready"))
        stopping = Self.unready(Readiness(status: "stopping"))
        health = Answer.json(Health(status: "ok", model: decomposer.modelName))
        version = Answer.json(Version(name: "mica", version: configuration.version))
        description = Answer.text(OpenAPIDocument.text, type: "application/yaml")
        let list = ModelList(decomposer, configuration, created: created)
        models = Answer.json(list)
        onlyModel = list.data.first.map { Answer.json($0) }
        modelName = decomposer.modelName
    }

    /// The model of that name, if it is served.
    func model(_ name: String) throws(ServiceError) -> Response {
        guard name == modelName, let onlyModel else {
            throw .unknownModel(ParameterText.shortened(name), served: modelName)
        }
        return onlyModel
    }

    /// Not ready, and why it will not be.
    static func broken(_ reason: String) -> Response { unready(Readiness(status: "broken", reason: reason)) }

    private static func unready(_ readiness: Readiness) -> Response {
        var answer = Answer.json(readiness, status: 503)
        answer.fields.append(("Retry-After", "5"))
        return answer
    }
}

/// The served models, in OpenAI's shape.
struct ModelList: Encodable, Sendable {
    struct Limits: Encodable, Sendable {
        let uploadBytes: Int
        let pixels: Int
        let side: Int

        private enum CodingKeys: String, CodingKey {
            case uploadBytes = "upload_bytes"
            case pixels
            case side
        }
    }

    struct Model: Encodable, Sendable {
        let id: String
        let object = "model"
        let created: Int
        let ownedBy = "mica"
        let captioner: Bool
        let loras: [ResultManifest.AppliedLoRA]
        let defaults: ResultManifest.Parameters?
        let limits: Limits

        private enum CodingKeys: String, CodingKey {
            case id
            case object
            case created
            case ownedBy = "owned_by"
            case captioner
            case loras
            case defaults
            case limits
        }
    }

    let object = "list"
    let data: [Model]

    private enum CodingKeys: String, CodingKey {
        case object
        case data
    }

    init(_ decomposer: any LayerDecomposer, _ configuration: LayerService.Configuration, created: Int) {
        let defaults = try? decomposer.parameters(for: DecompositionOptions())
        data = [
            Model(
                id: decomposer.modelName, created: created, captioner: decomposer.hasCaptioner,
                loras: decomposer.loras.map { ResultManifest.AppliedLoRA($0) },
                defaults: defaults.map { ResultManifest.Parameters($0, withSeed: false) },
                limits: Limits(
                    uploadBytes: configuration.uploadBytes, pixels: configuration.maximumPixels,
                    side: DecodeOptions.defaultMaximumSide))
        ]
    }
}
