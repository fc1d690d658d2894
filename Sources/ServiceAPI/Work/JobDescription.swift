import Foundation
import Jobs

/// A job as clients see it.
struct JobDescription: Encodable, Sendable {
    struct Progress: Encodable, Sendable {
        let stage: String
        let step: Int
        let total: Int
        let fraction: Double

        init(_ progress: JobProgress) {
            stage = progress.stage
            step = progress.step
            total = progress.total
            fraction = (progress.fraction * 1e4).rounded() / 1e4
        }
    }

    struct Waiting: Encodable, Sendable {
        let position: Int
        let estimatedStartSeconds: Double?

        private enum CodingKeys: String, CodingKey {
            case position
            case estimatedStartSeconds = "estimated_start_seconds"
        }
    }

    struct Timings: Encodable, Sendable {
        let queuedSeconds: Double
        let runningSeconds: Double?

        private enum CodingKeys: String, CodingKey {
            case queuedSeconds = "queued_seconds"
            case runningSeconds = "running_seconds"
        }
    }

    struct File: Encodable, Sendable {
        let name: String
        let mediaType: String
        let bytes: Int

        private enum CodingKeys: String, CodingKey {
            case name
            case mediaType = "media_type"
            case bytes
        }
    }

    /// Paths from the service's root.
    struct Links: Encodable, Sendable {
        let own: String
        let events: String
        var result: String?
        var manifest: String?
        var psd: String?
        var zip: String?
        var layers: [String]?

        private enum CodingKeys: String, CodingKey {
            case own = "self"
            case events
            case result
            case manifest
            case psd
            case zip
            case layers
        }
    }

    let id: String
    let state: String
    let priority: String
    let createdAt: String
    let startedAt: String?
    let endedAt: String?
    let deadline: String?
    let expiresAt: String?
    let attempts: Int
    let cancelling: Bool
    let position: Int?
    let estimatedStartSeconds: Double?
    let progress: Progress?
    let timings: Timings
    let failure: Problem?
    let parameters: ResultManifest.Parameters?
    let files: [File]?
    let links: Links

    private enum CodingKeys: String, CodingKey {
        case id
        case state
        case priority
        case createdAt = "created_at"
        case startedAt = "started_at"
        case endedAt = "ended_at"
        case deadline
        case expiresAt = "expires_at"
        case attempts
        case cancelling
        case position
        case estimatedStartSeconds = "estimated_start_seconds"
        case progress
        case timings
        case failure
        case parameters
        case files
        case links
    }

    /// The job as it is; `now` is for times that still grow.
    init(_ job: JobSnapshot, now: JobInstant) {
        id = job.id.description
        state = job.state.rawValue
        priority = job.priority.name
        createdAt = RFC3339.text(job.createdAt)
        startedAt = job.startedAt.map { RFC3339.text($0) }
        endedAt = job.endedAt.map { RFC3339.text($0) }
        deadline = job.deadline.map { RFC3339.text($0) }
        expiresAt = job.expiresAt.map { RFC3339.text($0) }
        attempts = job.attempts
        cancelling = job.isCancelling
        position = job.position
        estimatedStartSeconds = job.estimatedStartSeconds.map { Self.rounded($0) }
        progress = job.progress.map { Progress($0) }
        let end = job.endedAt ?? now
        timings = Timings(
            queuedSeconds: Self.rounded((job.startedAt ?? end).seconds(since: job.createdAt)),
            runningSeconds: job.startedAt.map { Self.rounded(end.seconds(since: $0)) })
        failure = job.state == .failed || job.failure != nil ? Problem(job.state, job.failure) : nil
        parameters = try? JSONDecoder().decode(ResultManifest.Parameters.self, from: Data(job.metadata.utf8))
        let isThere = job.state == .succeeded
        files = isThere ? job.files.map { File(name: $0.name, mediaType: $0.mediaType, bytes: $0.byteCount) } : nil
        links = isThere ? Self.links(job) : Links(own: "/v1/jobs/\(job.id)", events: "/v1/jobs/\(job.id)/events")
    }

    private static func links(_ job: JobSnapshot) -> Links {
        let own = "/v1/jobs/\(job.id)"
        var links = Links(own: own, events: "\(own)/events")
        links.result = "\(own)/result"
        links.manifest = "\(own)/manifest"
        links.zip = "\(own)/layers.zip"
        if job.files.contains(where: { $0.mediaType == ResultFormat.psd.mediaType }) { links.psd = "\(own)/layers.psd" }
        links.layers = job.files.compactMap { file in
            // layer_2.png, or image_1_layer_2.png with several images
            let numbers = file.name.split(whereSeparator: { !$0.isNumber })
            guard file.name.hasSuffix(".png"), let layer = numbers.last else { return nil }
            return "\(own)/layers/\(layer).png" + (numbers.count > 1 ? "?image=\(numbers[0])" : "")
        }
        return links
    }

    /// Never negative, even if the clock was set back; to the millisecond.
    private static func rounded(_ seconds: Double) -> Double { max(0, (seconds * 1000).rounded() / 1000) }
}

/// A page of jobs.
struct JobListDescription: Encodable, Sendable {
    let jobs: [JobDescription]
    let nextCursor: String?

    private enum CodingKeys: String, CodingKey {
        case jobs
        case nextCursor = "next_cursor"
    }
}
