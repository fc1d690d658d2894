/// A job that ended and is kept in memory: it is not durable, or the store did not take its end yet.
struct EndedJob: Sendable {
    var record: JobRecord
    let isDurable: Bool
    /// The result of a job that is not durable.
    let files: [JobResultFile]
    /// When it ended, in seconds on the clock that never jumps.
    let endedAt: Double

    var byteCount: Int { files.reduce(0) { $0 + $1.bytes.count } }
}
