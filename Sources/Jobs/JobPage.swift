/// A part of a list of jobs.
public struct JobPage: Sendable, Equatable {
    /// Newest first.
    public let jobs: [JobSnapshot]
    /// Where the next page begins; nil if there is none.
    public let nextCursor: String?
}
