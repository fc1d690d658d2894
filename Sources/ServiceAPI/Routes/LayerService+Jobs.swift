import Dispatch
import HTTPProtocol
import HTTPTransport
import Jobs

/// Requests about jobs that there are.
extension LayerService {
    private static var usualPageLength: Int { 20 }
    private static var pageLengths: ClosedRange<Int> { 1...100 }
    private static var longestCursorBytes: Int { 200 }
    /// Seconds after which to look at a job again.
    private static var pollSeconds: Int { 1 }

    /// A job as JSON.
    func describe(_ job: JobSnapshot, status: Int = 200) -> Response {
        var response = Answer.json(JobDescription(job, now: SystemJobClock().now), status: status)
        if !job.state.isFinished {
            let seconds = Int(min(max(job.estimatedStartSeconds ?? 0, Double(Self.pollSeconds)), 60))
            response.fields.append(("Retry-After", "\(seconds)"))
        }
        return response
    }

    func listJobs(_ exchange: ServiceExchange, _ client: AccessControl.Client) throws(ServiceError) {
        let query = try RequestQuery(exchange.request.head)
        try query.allowOnly(["state", "limit", "cursor"])
        var state: JobState?
        if let text = try query.value("state") {
            state = try ParameterText.choice(text, "state", JobState.allCases.map { ($0.rawValue, $0) })
        }
        let limit = try query.integer("limit", Self.pageLengths, usual: Self.usualPageLength)
        let cursor = try query.value("cursor")
        guard cursor?.utf8.count ?? 1 <= Self.longestCursorBytes else {
            throw .job(.invalidCursor(String((cursor ?? "").prefix(40))))
        }
        do {
            let page = try jobs.list(client: client.name, state: state, limit: limit, cursor: cursor)
            let now = SystemJobClock().now
            exchange.send(
                Answer.json(
                    JobListDescription(
                        jobs: page.jobs.map { JobDescription($0, now: now) }, nextCursor: page.nextCursor)))
        } catch {
            throw .job(error)
        }
    }

    func showJob(_ exchange: ServiceExchange, _ id: JobID, _ client: AccessControl.Client) throws(ServiceError) {
        try RequestQuery(exchange.request.head).allowOnly([])
        do {
            exchange.send(describe(try jobs.snapshot(id, client: client.name)))
        } catch {
            throw .job(error)
        }
    }

    /// Cancels a job that lives, removes one that has ended.
    func deleteJob(_ exchange: ServiceExchange, _ id: JobID, _ client: AccessControl.Client) throws(ServiceError) {
        try RequestQuery(exchange.request.head).allowOnly([])
        do {
            if try jobs.snapshot(id, client: client.name).state.isFinished {
                try jobs.delete(id, client: client.name)
                exchange.send(Answer.of(.empty, status: 204, type: nil))
            } else {
                var answer = describe(try jobs.cancel(id, client: client.name), status: 202)
                answer.fields.removeAll { $0.name == "Retry-After" }
                exchange.send(answer)
            }
        } catch {
            throw .job(error)
        }
    }

    /// The result, or a part of it.
    func sendResult(
        _ exchange: ServiceExchange, _ match: RouteMatch, _ id: JobID, _ client: AccessControl.Client
    ) throws(ServiceError) {
        let head = exchange.request.head
        let query = try RequestQuery(head)
        switch match.route {
        case .jobResult: try query.allowOnly(ResultFormat.queryNames + ["image"])
        case .jobLayer: try query.allowOnly(["image", FileOptions.Name.metadata.rawValue])
        case .jobPSD:
            try query.allowOnly(["image", FileOptions.Name.metadata.rawValue, FileOptions.Name.group.rawValue])
        case .jobZIP: try query.allowOnly(FileOptions.Name.allCases.map(\.rawValue))
        default: try query.allowOnly([])
        }
        let image = try query.integer("image", 1...8, usual: 1)
        let format: ResultFormat? =
            match.route == .jobResult
            ? try ResultFormat.chosen(
                name: query.value(ResultFormat.parameterName), accept: AcceptField(head.fields)) : nil
        let options = try FileOptions(query)
        let given = try query.value("image")
        if let given, let format, !format.isOfOneImage {
            throw .unreadableParameter(
                name: "image", value: given, expected: "left out for \(format.rawValue), which holds every image")
        }
        let hasImage = given != nil
        let result: JobResult
        do {
            result = try jobs.result(id, client: client.name)
        } catch {
            throw .job(error)
        }
        let made: ResultFormat? =
            switch match.route {
            case .jobResult: format ?? .multipart
            case .jobPSD: .psd
            case .jobZIP: .zip
            default: nil
            }
        let identity = ResultIdentity(
            id, endedAt: result.endedAt, version: configuration.version,
            parts: [
                "\(match.route)", hasImage ? "\(image)" : "", "\(match.layer)", (format ?? .multipart).rawValue,
                options.key,
            ])
        let varies = [.jobResult, .jobZIP].contains(match.route)
        if let known = identity.known(to: head, varies: varies) { return exchange.send(known) }
        try read(converting: made.map { options.converts($0) } ?? false) {
            exchange.send { () throws(ServiceError) in
                let files = ResultFiles(result, options: options, boundary: identity.boundary)
                var answer = try Self.part(match, of: files, format ?? .multipart, image: hasImage ? image : nil)
                identity.sign(&answer)
                return answer
            }
        }
    }

    /// The part of a result that a route is for; `image` is nil where the client does not say which.
    private static func part(
        _ match: RouteMatch, of files: ResultFiles, _ format: ResultFormat, image: Int?
    ) throws(ServiceError) -> Response {
        switch match.route {
        case .jobManifest: return try files.manifestResponse()
        case .jobLayer: return try files.layerResponse(image: image ?? 1, layer: match.layer)
        case .jobPSD: return try files.psd(image: image ?? 1)
        case .jobZIP: return try files.response(as: .zip)
        default: break
        }
        if format.isOfOneImage, image == nil, try files.manifest().psd.count > 1 {
            throw .unreadableParameter(
                name: ResultFormat.parameterName, value: format.rawValue,
                expected: "another one for several images; or say which with image=N")
        }
        return try files.response(as: format, image: image ?? 1)
    }

    /// Does `work`, which reads a result, later; if it makes another form of it, where few wait. Throws `busy`.
    private func read(converting isConversion: Bool, _ work: @escaping @Sendable () -> Void) throws(ServiceError) {
        if isConversion { try converting.run(work) } else { answers.async(execute: work) }
    }

    /// Events as they come, until the job ends or the client goes.
    func followJob(_ exchange: ServiceExchange, _ id: JobID, _ client: AccessControl.Client) throws(ServiceError) {
        let head = exchange.request.head
        try RequestQuery(head).allowOnly([])
        let type = EventStream.mediaType
        guard AcceptField(head.fields).best(of: [type]) != nil else { throw .notAcceptable(known: [type]) }
        do {
            let events = EventStream(commentSeconds: configuration.eventCommentSeconds, metrics: metrics)
            try events.follow(id, client: client.name, in: jobs) {
                var answer = Answer.of(.empty, type: type)
                // Tells nginx not to gather the events.
                answer.fields.append(("X-Accel-Buffering", "no"))
                return exchange.stream(answer)
            }
            exchange.request.cancellation.onCancel { events.clientIsGone() }
        } catch {
            throw .job(error)
        }
    }
}
