import Dispatch
import HTTPProtocol
import HTTPTransport
import ImageCodecs
import QwenImage

/// The service: routes, jobs, answers.
public final class LayerService: RequestHandler {
    /// What the service puts up with.
    public struct Configuration: Sendable {
        /// Jobs that wait while one runs; further ones get 503.
        public var waitingLimit = 8
        /// Pixels of a picture before it is decoded.
        public var maximumPixels = DecodeOptions.defaultMaximumPixels

        /// The values that each property has by default.
        public init() {}
    }

    private let decomposer: any LayerDecomposer
    private let configuration: Configuration
    private let queue: DecompositionQueue
    /// Results are written here, so that the engine goes on with the next job.
    private let encoding = DispatchQueue(label: "mica.encoding", attributes: .concurrent)

    /// A service whose jobs `decomposer` carries out.
    public init(decomposer: any LayerDecomposer, configuration: Configuration = Configuration()) {
        self.decomposer = decomposer
        self.configuration = configuration
        queue = DecompositionQueue(waitingLimit: configuration.waitingLimit)
    }

    /// Jobs that wait for the engine, without the one that runs.
    public var waitingCount: Int { queue.waitingCount }

    // MARK: RequestHandler

    public func immediateResponse(to head: RequestHead) -> Response? {
        do {
            return try answer(to: head)
        } catch {
            return Problem(error).response
        }
    }

    public func respond(to request: Request, through responder: Responder) {
        do {
            try start(request, responder)
        } catch {
            responder.send(Problem(error).response)
        }
    }

    public func response(to fault: TransportFault) -> Response {
        Problem(.transport(fault)).response
    }

    // MARK: Routes

    /// Everything but the layers themselves; nil if the body is wanted.
    private func answer(to head: RequestHead) throws(ServiceError) -> Response? {
        if head.method == "OPTIONS" {
            guard head.target.path != Array("*".utf8) else { return options("GET, HEAD, OPTIONS, POST") }
            return options(try route(head).allowedMethods)
        }
        let route = try route(head)
        let method = head.method == "HEAD" ? "GET" : head.method
        guard method == route.method else {
            throw .methodNotAllowed(method: String(head.method.prefix(40)), allowed: route.allowedMethods)
        }
        switch route {
        case .hint:
            return text(ServiceHint.text(host: head.target.authority ?? head.fields.first("host").map { Array($0) }))
        case .health: return json(Health(status: "ok", model: decomposer.modelName))
        case .description: return text(OpenAPIDocument.text, type: "application/yaml")
        case .layers:
            _ = try LayerRequest.Envelope(head)
            return nil
        }
    }

    private struct Health: Encodable {
        let status: String
        let model: String
    }

    private func route(_ head: RequestHead) throws(ServiceError) -> Route {
        guard let route = Route.of(head.target) else {
            throw .notFound(path: String(decoding: head.target.path.prefix(200), as: UTF8.self))
        }
        return route
    }

    private func options(_ allowed: String) -> Response {
        Response(status: 204, fields: [("Allow", allowed)] + ServiceFields.always)
    }

    private func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
        Response(status: 200, fields: [("Content-Type", type)] + ServiceFields.always, body: [Array(text.utf8)])
    }

    private func json(_ value: some Encodable) -> Response {
        Response(
            status: 200, fields: [("Content-Type", "application/json")] + ServiceFields.always,
            body: [JSONText.bytes(value)])
    }

    // MARK: Layers

    private func start(_ request: Request, _ responder: Responder) throws(ServiceError) {
        let wanted = try LayerRequest(request.head, body: request.body)
        // What can be told without decoding is told before the wait.
        guard !wanted.picture.isEmpty else { throw .picture(.emptyInput) }
        guard ImageFormat.detect(wanted.picture) != nil else { throw .picture(.notAPicture) }
        let parameters: DecompositionParameters
        do {
            parameters = try decomposer.parameters(for: wanted.options)
        } catch {
            throw .pipeline(error)
        }
        guard wanted.format != .psd || parameters.numImagesPerPrompt == 1 else {
            throw .unreadableParameter(
                name: LayerParameter.numImagesPerPrompt.rawValue, value: "\(parameters.numImagesPerPrompt)",
                expected: "1 for a PSD; ask for multipart or zip")
        }
        let cancellation = Cancellation()
        try queue.add(
            cancellation: { leave in
                request.cancellation.onCancel {
                    cancellation.cancel()
                    leave()
                }
            },
            run: { [self] in
                guard !cancellation.isCancelled else { return }
                do throws(ServiceError) {
                    let result = try decompose(wanted.picture, parameters, cancellation)
                    encoding.async { [self] in send(result, as: wanted.format, through: responder) }
                } catch {
                    responder.send(Problem(error).response)
                }
            })
    }

    /// Pictures are decoded one at a time, here, since a small file may hold a very large one.
    private func decompose(
        _ file: [UInt8], _ parameters: DecompositionParameters, _ cancellation: Cancellation
    ) throws(ServiceError) -> Decomposition {
        let picture: PixelBuffer
        do {
            var options = DecodeOptions()
            options.maximumPixels = configuration.maximumPixels
            picture = try ImageDecoder.decode(file, options: options).pixels
        } catch {
            throw .picture(error)
        }
        do {
            return try decomposer.decompose(
                picture, parameters: parameters, cancellation: cancellation, progress: { _ in })
        } catch {
            throw .pipeline(error)
        }
    }

    private func send(_ result: Decomposition, as format: ResultFormat, through responder: Responder) {
        let encoder = ResultEncoder(result, modelName: decomposer.modelName)
        do {
            responder.send(try LayerResponse.make(encoder, as: format))
        } catch {
            responder.send(Problem(.encoding(error)).response)
        }
    }
}
