import Logging

/// What a responder knows of the connection that its answer goes to.
struct ReturnPath: Sendable {
    let connection: ConnectionID
    let mailbox: Mailbox
    let budget: AnswerBudget
    /// Of a body that comes over time.
    let streamLimitBytes: Int
    /// The client wants no body.
    let isHead: Bool
    let logger: Logger
}
