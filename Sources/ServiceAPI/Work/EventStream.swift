import Dispatch
import HTTPTransport
import Jobs
import Synchronization

/// A job's events on their way to one client, as server-sent events (WHATWG HTML, section 9.2).
///
/// Looks and writes happen on a serial queue of its own, so that events keep their order. Until its end the job keeps
/// the stream alive.
final class EventStream: Sendable {
    static let mediaType = "text/event-stream"
    /// Between two looks at what happened, so that a quick job does not send hundreds of events a second.
    private static let paceSeconds = 0.1

    private struct State {
        var subscription: JobSubscription?
        var stream: ResponseStream?
        var isOver = false
        var isScheduled = false
        var lastLook = ContinuousClock.now - .seconds(1)
        var lastWrite = ContinuousClock.now
    }

    private let queue = DispatchQueue(label: "mica.events")
    private let commentSeconds: Double
    private let metrics: ServiceMetrics
    private let state = Mutex(State())

    init(commentSeconds: Double, metrics: ServiceMetrics) {
        self.commentSeconds = commentSeconds
        self.metrics = metrics
    }

    /// Begins; `open` gives the stream once it is clear that there is something to follow.
    func follow(
        _ id: JobID, client: String, in jobs: JobService, open: () -> ResponseStream
    ) throws(JobError) {
        let subscription = try jobs.events(id, client: client) { [self] in schedule() }
        let stream = open()
        metrics.streams(1)
        state.withLock { state in
            state.subscription = subscription
            state.stream = stream
        }
        guard stream.isOpen else { return close() }
        // How soon a browser comes back if the connection breaks.
        stream.write(Array("retry: 2000\n\n".utf8))
        schedule()
        scheduleComment()
    }

    /// Nobody reads any more.
    func clientIsGone() {
        queue.async { [self] in close() }
    }

    private func close() {
        let (subscription, stream) = state.withLock { state -> (JobSubscription?, ResponseStream?) in
            defer {
                state.isOver = true
                state.subscription = nil
                state.stream = nil
            }
            return (state.subscription, state.stream)
        }
        guard let stream else { return }
        subscription?.cancel()
        stream.finish()
        metrics.streams(-1)
    }

    // MARK: Events

    private func schedule() {
        let delay = state.withLock { state -> Double? in
            guard !state.isOver, !state.isScheduled else { return nil }
            state.isScheduled = true
            return Self.paceSeconds - (ContinuousClock.now - state.lastLook) / .seconds(1)
        }
        guard let delay else { return }
        queue.asyncAfter(deadline: .now() + max(0, delay)) { [self] in look() }
    }

    private func look() {
        let (subscription, stream) = state.withLock { state in
            state.isScheduled = false
            state.lastLook = ContinuousClock.now
            return (state.subscription, state.stream)
        }
        guard let subscription, let stream else { return }
        for event in subscription.take() {
            switch event {
            case .waiting(let position, let seconds):
                write(
                    "waiting", JobDescription.Waiting(position: position, estimatedStartSeconds: seconds), stream)
            case .started: break
            case .progress(let progress):
                write("progress", JobDescription.Progress(progress), stream)
                if let preview = progress.preview, !stream.isCongested {
                    let text = String(decoding: Base64.encode(preview), as: UTF8.self)
                    write("preview", Preview(image: "data:image/png;base64,\(text)"), stream)
                }
            // A client that comes again finds the next start.
            case .suspended: return close()
            case .ended(let job):
                write("ended", JobDescription(job, now: SystemJobClock().now), stream)
                return close()
            }
        }
        if !stream.isOpen { close() }
    }

    private struct Preview: Encodable {
        let image: String
    }

    private func write(_ name: String, _ value: some Encodable, _ stream: ResponseStream) {
        var bytes = Array("event: \(name)\ndata: ".utf8)
        bytes += JSONText.bytes(value)
        bytes += Array("\n\n".utf8)
        stream.write(bytes)
        state.withLock { $0.lastWrite = ContinuousClock.now }
    }

    /// Something comes now and then, so that nothing between here and the client takes the connection for dead.
    private func scheduleComment() {
        queue.asyncAfter(deadline: .now() + commentSeconds) { [weak self] in self?.comment() }
    }

    private func comment() {
        let stream = state.withLock { $0.stream }
        guard let stream else { return }
        guard stream.write(Array(": still here\n\n".utf8)) else { return close() }
        scheduleComment()
    }
}
