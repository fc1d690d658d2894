/// Why the queue has no place.
enum JobQueueRefusal: Error, Sendable, Equatable {
    case queueFull(limit: Int)
    case tooManyJobsOfClient(limit: Int)

    var reason: JobRejection.Reason {
        switch self {
        case .queueFull(let limit): .queueFull(limit: limit)
        case .tooManyJobsOfClient(let limit): .tooManyJobsOfClient(limit: limit)
        }
    }
}
