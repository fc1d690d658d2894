import Digests
import Dispatch
import HTTPProtocol
import HTTPTransport
import ImageCodecs
import Jobs
import Logging
import QwenImage

/// Requests that make a job.
extension LayerService {
    /// A job to be, and how its client wants to hear of it.
    struct Order {
        let request: LayerRequest
        let client: AccessControl.Client
        var idempotencyKey: String?
        /// Seconds until the client takes a job instead of the result; nil waits to the end.
        var patienceSeconds: Int?
        /// The `Prefer` that was followed, if a job is given.
        var appliedPreference: String?
        /// True if the answer is the job, whatever the client prefers.
        var isAsync = false
        var needsPSD = true
        /// True if the answer is made of the result anew.
        var isConverted = false
        /// Set if a layer of an earlier result is split.
        var split: SplitWork?

        /// Only a job that nobody but the waiting connection knows of may be lost with it.
        var isDurable: Bool { isAsync || patienceSeconds != nil || idempotencyKey != nil }
    }

    func createLayers(_ exchange: ServiceExchange, _ client: AccessControl.Client) throws(ServiceError) {
        let envelope = try LayerRequest.Envelope(exchange.request.head, answersWithResult: true)
        let request = try LayerRequest(envelope, body: exchange.request.body)
        try place(Order(request: request, client: client), envelope, exchange)
    }

    /// Splits one layer of a result.
    func splitLayer(
        _ exchange: ServiceExchange, _ match: RouteMatch, _ id: JobID, _ client: AccessControl.Client
    ) throws(ServiceError) {
        let head = exchange.request.head
        let envelope = try LayerRequest.Envelope(head, answersWithResult: true, hasPicture: false)
        let result: JobResult
        do {
            result = try jobs.result(id, client: client.name)
        } catch {
            throw .job(error)
        }
        let (split, files) = try ResultFiles(result).splitWork(image: envelope.image, layer: match.layer)
        let request = try LayerRequest(envelope, body: exchange.request.body, picture: files)
        var order = Order(request: request, client: client)
        order.split = split
        try place(order, envelope, exchange)
    }

    /// Places an order whose answer is a result.
    private func place(
        _ order: Order, _ envelope: LayerRequest.Envelope, _ exchange: ServiceExchange
    ) throws(ServiceError) {
        let format = envelope.format ?? .multipart
        var order = order
        order.idempotencyKey = envelope.idempotencyKey
        order.patienceSeconds = envelope.prefer.patienceSeconds
        order.appliedPreference = envelope.prefer.applied
        // Whoever asks again under the same key may want another form.
        order.needsPSD = order.isDurable || [.psd, .multipart, .mixed].contains(format)
        order.isConverted = envelope.files.converts(format)
        try place(order, exchange) { parameters throws(ServiceError) in
            guard !format.isOfOneImage || parameters.numImagesPerPrompt == 1 else {
                throw .unreadableParameter(
                    name: LayerParameter.numImagesPerPrompt.rawValue, value: "\(parameters.numImagesPerPrompt)",
                    expected: "1 for this form; ask for multipart or zip")
            }
        } answer: { [files = envelope.files] result throws(ServiceError) in
            try ResultFiles(result, options: files).response(as: format)
        }
    }

    func createImageEdit(_ exchange: ServiceExchange, _ client: AccessControl.Client) throws(ServiceError) {
        let head = exchange.request.head
        let edit = try ImageEditRequest(head, body: exchange.request.body, modelName: decomposer.modelName)
        var order = Order(request: edit.request, client: client)
        order.idempotencyKey = try RequestHeaders.idempotencyKey(head.fields)
        // A kept job can be asked for in every form later.
        order.needsPSD = order.isDurable
        let created = Int(SystemJobClock().now.unixMilliseconds / 1000)
        try place(order, exchange) { _ throws(ServiceError) in
        } answer: { result throws(ServiceError) in
            try ResultFiles(result).imageEditResponse(created: created)
        }
    }

    func createJob(_ exchange: ServiceExchange, _ client: AccessControl.Client) throws(ServiceError) {
        let envelope = try LayerRequest.Envelope(exchange.request.head, answersWithResult: false)
        var order = Order(request: try LayerRequest(envelope, body: exchange.request.body), client: client)
        order.idempotencyKey = envelope.idempotencyKey
        order.isAsync = true
        order.patienceSeconds = 0
        order.appliedPreference = envelope.prefer.respondsAsync ? "respond-async" : nil
        try place(order, exchange) { _ throws(ServiceError) in
        } answer: { _ throws(ServiceError) in
            throw .damagedResult
        }
    }

    // MARK: Placing

    private func place(
        _ order: Order, _ exchange: ServiceExchange,
        check: (DecompositionParameters) throws(ServiceError) -> Void,
        answer: @escaping @Sendable (JobResult) throws(ServiceError) -> Response
    ) throws(ServiceError) {
        let picture = order.request.picture
        // What can be told without decoding is told before the wait.
        guard !picture.isEmpty else { throw .picture(.emptyInput) }
        guard ImageFormat.detect(picture) != nil else { throw .picture(.notAPicture) }
        let parameters = try parameters(order)
        try check(parameters)
        try admit(parameters, finish: order.request.finish, picture: picture, split: order.split)
        let work = LayerWork(
            parameters: parameters, finish: order.request.finish, split: order.split, picture: picture,
            needsPSD: order.needsPSD)
        let submission: JobSubmission
        do {
            submission = try jobs.submit(work.payload, options: try options(order, cost: work.cost))
        } catch let error as JobError {
            throw .job(error)
        } catch let error as ServiceError {
            throw error
        } catch {
            throw .transport(.unanswered)
        }
        log(submission, exchange)
        if order.patienceSeconds == 0 {
            return exchange.send(accepted(submission.job, order, isReplay: submission.isReplay))
        }
        wait(for: submission, order, exchange, answer: answer)
    }

    private func parameters(_ order: Order) throws(ServiceError) -> DecompositionParameters {
        var options = order.request.options
        if options.seed == nil, let key = order.idempotencyKey {
            // The same request must be the same job: its seed follows from the key.
            let digest = Digest.sha256(of: Array("\(order.client.name)\n\(key)".utf8))
            options.seed = digest.prefix(4).reduce(0) { $0 << 8 | UInt64($1) }
        }
        do {
            return try decomposer.parameters(for: options)
        } catch {
            throw .pipeline(error)
        }
    }

    private func options(_ order: Order, cost: Double) throws(ServiceError) -> JobOptions {
        let wishes = order.request.wishes
        let highest = order.client.highestPriority
        if let priority = wishes.priority, priority < highest {
            throw .forbidden("this key may ask for priority \(highest.name) at most")
        }
        var options = JobOptions(client: order.client.name)
        options.priority = wishes.priority ?? max(.normal, highest)
        options.deadlineSeconds = wishes.deadlineSeconds
        options.idempotencyKey = order.idempotencyKey
        options.isDurable = order.isDurable
        options.cost = cost
        options.limits = order.client.limits
        return options
    }

    // MARK: Answering

    /// 202 with the job.
    private func accepted(_ job: JobSnapshot, _ order: Order, isReplay: Bool) -> Response {
        var response = describe(job, status: 202)
        response.fields.append(("Location", "/v1/jobs/\(job.id)"))
        if let applied = order.appliedPreference { response.fields.append(("Preference-Applied", applied)) }
        if isReplay { response.fields.append(("Idempotent-Replayed", "true")) }
        return response
    }

    private func wait(
        for submission: JobSubmission, _ order: Order, _ exchange: ServiceExchange,
        answer: @escaping @Sendable (JobResult) throws(ServiceError) -> Response
    ) {
        let id = submission.job.id
        let isTransient = !order.isDurable
        let client = order.client.name
        let unfinished: @Sendable () -> Void = { [self] in
            exchange.send { () throws(ServiceError) in
                do throws(JobError) {
                    return accepted(try jobs.snapshot(id, client: client), order, isReplay: submission.isReplay)
                } catch {
                    throw .job(error)
                }
            }
        }
        let waiter = JobWaiter(queue: order.isConverted ? converting.queue : answers) { [self] job in
            guard let job else {
                // A client that takes a job for an answer comes back for it. Another one sends its request again, which
                // is the same job if it has a key.
                if order.patienceSeconds != nil { return unfinished() }
                return exchange.send(refusal(.ended(.failed, .serverStopping), exchange.route))
            }
            let isTaken = exchange.offer(orElse: .resultWaits(id)) { () throws(ServiceError) in
                var response = try result(of: job, answer)
                if submission.isReplay { response.fields.append(("Idempotent-Replayed", "true")) }
                return response
            }
            // Nobody else knows of it, unless the client was told where to fetch it.
            if isTransient, isTaken { try? jobs.delete(id) }
        }
        exchange.request.cancellation.onCancel { [self] in
            answers.async { [self] in
                // With an idempotency key the client may come back for it.
                guard waiter.giveUp(), order.idempotencyKey == nil else { return }
                if isTransient { try? jobs.delete(id) } else { _ = try? jobs.cancel(id) }
            }
        }
        do throws(JobError) {
            try waiter.follow(id, in: jobs)
        } catch {
            return exchange.send(refusal(.job(error), exchange.route))
        }
        guard let patience = order.patienceSeconds else { return }
        // Weakly, or the request's body would stay until then although it was answered long before.
        answers.asyncAfter(deadline: .now() + Double(patience)) { [weak waiter] in
            waiter?.runOut()
        }
    }

    private func result(
        of job: JobSnapshot, _ answer: (JobResult) throws(ServiceError) -> Response
    ) throws(ServiceError) -> Response {
        guard job.state == .succeeded || job.state == .expired else { throw .ended(job.state, job.failure) }
        let result: JobResult
        do {
            result = try jobs.result(job.id)
        } catch {
            throw .job(error)
        }
        return try answer(result)
    }

    /// Ties the request to the job; the job's own line comes at its end.
    private func log(_ submission: JobSubmission, _ exchange: ServiceExchange) {
        guard logger.logLevel <= .info else { return }
        var fields: Logger.Metadata = [
            "job": "\(submission.job.id)", "client": "\(submission.job.client)",
            "request_id": "\(exchange.request.id)", "replay": "\(submission.isReplay)",
        ]
        if let trace = RequestHeaders.traceID(exchange.request.head.fields) { fields["trace_id"] = "\(trace)" }
        logger.info("job accepted", metadata: fields)
    }
}
