import Dispatch
import DurableStorage
import HTTPProtocol
import HTTPTransport
import Jobs
import Logging
import QwenImage
import Synchronization

/// The service: routes, jobs, answers.
public final class LayerService: RequestHandler {
    let decomposer: any LayerDecomposer
    let configuration: Configuration
    /// The queue and its workers.
    let jobs: JobService
    /// Whose keys are accepted; can be changed while the service runs.
    public let access: AccessControl
    let metrics: ServiceMetrics
    let cors: CORSPolicy
    let logger: Logger
    let fixed: FixedAnswers
    /// Results are read here, so that neither the event loop nor the workers wait for them.
    let answers = DispatchQueue(label: "mica.answers", attributes: .concurrent)
    /// Layers are put together here.
    let recomposing = BoundedQueue(label: "mica.recomposing")
    /// Results are encoded anew here, for those who ask for another form than the one that is kept.
    let converting = BoundedQueue(label: "mica.converting")
    private let connectionCount = Mutex<(@Sendable () -> Int)?>(nil)
    private let stopping = Atomic(false)
    let startedAt: JobInstant

    /// A service whose jobs `decomposer` carries out, once it is told to `start`; with a `store`, jobs survive a
    /// restart.
    ///
    /// Throws what the store throws when the jobs of before are taken up again.
    public init(
        decomposer: any LayerDecomposer, configuration: Configuration = Configuration(), store: JobStore? = nil,
        logger: Logger
    ) throws(StorageError) {
        self.decomposer = decomposer
        self.configuration = configuration
        self.logger = logger
        startedAt = SystemJobClock().now
        metrics = ServiceMetrics(startSeconds: Double(startedAt.unixMilliseconds) / 1000)
        access = AccessControl(configuration.keys, limits: configuration.jobs.clientLimits)
        cors = CORSPolicy(origins: configuration.corsOrigins)
        fixed = FixedAnswers(decomposer, configuration, created: Int(startedAt.unixMilliseconds / 1000))
        let metrics = metrics
        let engines = [decomposer] + decomposer.others
        let workers = engines.enumerated().map { index, engine in
            JobWorkerDescription(
                name: index == 0 ? engine.modelName : "\(engine.modelName)-\(index)",
                executor: LayerExecutor(engine, maximumPixels: configuration.maximumPixels, metrics: metrics))
        }
        jobs = JobService(
            configuration: configuration.jobs,
            workers: workers, store: store,
            observer: JobLog(logger: logger, metrics: metrics))
        try jobs.restore { [access] in access.limits(of: $0) }
    }

    /// Begins to work. For once, when nothing can keep the service from serving any more: a job that is begun has used
    /// one of its attempts.
    public func start() { jobs.start() }

    /// Tells the metrics how many connections there are.
    public func setConnectionCount(_ count: @escaping @Sendable () -> Int) {
        connectionCount.withLock { $0 = count }
    }

    /// Jobs that wait, without those that run.
    public var waitingCount: Int { jobs.metrics.waiting.values.reduce(0, +) }

    // MARK: The end

    /// No longer ready, and no new jobs; those that run may go on for `graceSeconds`.
    ///
    /// `completion` is called once nothing runs any more.
    public func stop(graceSeconds: Double, completion: @escaping @Sendable () -> Void) {
        stopping.store(true, ordering: .relaxed)
        jobs.drain(graceSeconds: graceSeconds, completion: completion)
    }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Why an engine can do no job any more; nil as long as all of them can.
    public var fault: String? { ([decomposer] + decomposer.others).lazy.compactMap(\.fault).first }

    // MARK: RequestHandler

    public func immediateResponse(to head: RequestHead) -> Response? {
        let match = RouteMatch(head.target)
        do {
            guard let answer = try immediateAnswer(to: head, match) else { return nil }
            return finished(selected(answer, head, match?.route), head, match?.route)
        } catch {
            return finished(refusal(error, match?.route), head, match?.route)
        }
    }

    public func respond(to request: Request, through responder: Responder) {
        let match = RouteMatch(request.head.target)
        let exchange = ServiceExchange(self, request, responder, match?.route)
        do {
            guard let match else { throw ServiceError.notFound(path: "this") }
            try start(exchange, match)
        } catch let error as ServiceError {
            exchange.send(refusal(error, match?.route))
        } catch {
            exchange.send(refusal(.transport(.unanswered), match?.route))
        }
    }

    public func response(to fault: TransportFault, head: RequestHead?) -> Response {
        if let head {
            let route = RouteMatch(head.target)?.route
            return finished(refusal(.transport(fault), route), head, route)
        }
        let response = Problem(.transport(fault)).response
        metrics.answered(route: nil, method: "", status: response.status)
        return response
    }

    // MARK: Answers

    func refusal(_ error: ServiceError, _ route: Route?) -> Response {
        let problem = Problem(error)
        return route == .imageEdits ? problem.openAIResponse : problem.response
    }

    /// What every answer gets at last.
    func finished(_ answer: Response, _ head: RequestHead, _ route: Route?) -> Response {
        var answer = answer
        if head.method != "OPTIONS" { cors.apply(to: &answer, request: head.fields) }
        metrics.answered(route: route, method: head.method, status: answer.status)
        return answer
    }

    /// What can be said on the event loop; nil if there is more to do.
    private func immediateAnswer(to head: RequestHead, _ match: RouteMatch?) throws(ServiceError) -> Response? {
        if head.method == "OPTIONS" { return try options(head, match?.route) }
        guard let match else {
            throw .notFound(path: String(decoding: head.target.path.prefix(200), as: UTF8.self))
        }
        let route = match.route
        let method = head.method == "HEAD" ? "GET" : head.method
        guard route.methods.contains(method) else {
            throw .methodNotAllowed(method: String(head.method.prefix(40)), allowed: route.allowedMethods)
        }
        if route.needsKey || (route == .metrics && configuration.metricsNeedKey) { _ = try access.client(head.fields) }
        switch route {
        case .page, .pageStyle, .pageScript, .pageFile: return try page(head, match)
        case .liveness: return fixed.alive
        case .readiness: return fault.map(FixedAnswers.broken) ?? (isStopping ? fixed.stopping : fixed.ready)
        case .health: return fixed.health
        case .version: return fixed.version
        case .description: return fixed.description
        case .models: return fixed.models
        case .model: return try fixed.model(match.file)
        case .layers: _ = try LayerRequest.Envelope(head, answersWithResult: true)
        case .jobs where method == "POST": _ = try LayerRequest.Envelope(head, answersWithResult: false)
        case .imageEdits: _ = try ImageEditRequest.bodyKind(head)
        case .recompose: _ = try RecomposeRequest(head)
        case .jobLayerSplit: _ = try LayerRequest.Envelope(head, answersWithResult: true, hasPicture: false)
        case .plan: if head.hasBody { _ = try RequestBodyKind(head) }
        case .metrics, .jobs, .job, .jobEvents, .jobResult, .jobManifest, .jobLayer, .jobPSD, .jobZIP: break
        }
        return nil
    }

    private func options(_ head: RequestHead, _ route: Route?) throws(ServiceError) -> Response {
        var answer = Answer.of(.empty, status: 204, type: nil)
        guard head.target.path != Array("*".utf8) else {
            answer.fields.append(("Allow", "GET, HEAD, OPTIONS, POST, DELETE"))
            return answer
        }
        guard let route else { throw .notFound(path: String(decoding: head.target.path.prefix(200), as: UTF8.self)) }
        answer.fields.append(("Allow", route.allowedMethods))
        cors.applyPreflight(to: &answer, request: head.fields, methods: route.allowedMethods)
        return answer
    }

    private func page(_ head: RequestHead, _ match: RouteMatch) throws(ServiceError) -> Response {
        if match.route == .page {
            // Who asks for HTML by name is a browser.
            let html = AcceptField(head.fields).best(of: ["text/plain", "text/html"]) == "text/html"
            if !html {
                let host = head.target.authority ?? head.fields.first("host").map { Array($0) }
                var hint = Answer.text(
                    ServiceHint.text(host: host, isSecure: isSecure(head), needsKey: access.needsKey))
                hint.addVary("Accept")
                return hint
            }
        }
        let path = match.route == .pageFile ? "/page/\(match.file)" : match.route.path
        guard let file = WebPage.resource(at: path) else { throw .notFound(path: String(path.prefix(200))) }
        var answer = Answer.of(.bytes([file.bytes]), type: file.mediaType)
        answer.fields.removeAll { $0.name == "Content-Security-Policy" || $0.name == "Cache-Control" }
        answer.fields += [
            ("Content-Security-Policy", WebPage.contentSecurityPolicy), ("Cache-Control", "no-cache"),
            ("ETag", file.entityTag),
        ]
        if match.route == .page { answer.addVary("Accept") }
        return answer
    }

    /// Whether the client speaks TLS, to us or to a proxy that says so.
    private func isSecure(_ head: RequestHead) -> Bool {
        configuration.servesTLS || head.fields["x-forwarded-proto"] == "https"
    }

    func metricsAnswer() -> Response {
        let connections = connectionCount.withLock { $0 }
        let text = metrics.text(
            jobs: jobs.metrics, caches: decomposer.caches, connections: connections?(),
            version: configuration.version, model: decomposer.modelName)
        return Answer.text(text, type: MetricsText.mediaType)
    }

    // MARK: Requests that take time

    private func start(_ exchange: ServiceExchange, _ match: RouteMatch) throws(ServiceError) {
        let head = exchange.request.head
        guard match.route != .metrics else { return exchange.send(metricsAnswer()) }
        let client = try access.client(head.fields)
        switch (match.route, match.job) {
        case (.layers, _): try createLayers(exchange, client)
        case (.imageEdits, _): try createImageEdit(exchange, client)
        case (.recompose, _): try recompose(exchange)
        case (.jobLayerSplit, let id?): try splitLayer(exchange, match, id, client)
        case (.plan, _): try answerPlan(exchange)
        case (.jobs, _) where head.method == "POST": try createJob(exchange, client)
        case (.jobs, _): try listJobs(exchange, client)
        case (.jobEvents, let id?): try followJob(exchange, id, client)
        case (.job, let id?) where head.method == "DELETE": try deleteJob(exchange, id, client)
        case (.job, let id?): try showJob(exchange, id, client)
        case (_, let id?): try sendResult(exchange, match, id, client)
        default: throw .transport(.unanswered)
        }
    }
}
