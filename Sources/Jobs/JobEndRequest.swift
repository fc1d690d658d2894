/// What a client wants of a job that has not ended; kept, so that a job taken back is not tried again after a stop.
enum JobEndRequest: Int, Sendable, Comparable {
    case none = 0
    /// It is to stop.
    case cancel = 1
    /// It is to stop, and to be forgotten.
    case delete = 2

    static func < (left: JobEndRequest, right: JobEndRequest) -> Bool { left.rawValue < right.rawValue }
}
