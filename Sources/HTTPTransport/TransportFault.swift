import HTTPProtocol

/// What the transport itself has to answer; the handler chooses status and words.
public enum TransportFault: Error, Sendable, Equatable {
    /// The bytes are no request.
    case malformed(RequestError)
    /// Plain HTTP came where TLS is spoken.
    case plainHTTP
    /// The head did not come in time.
    case slowHead
    /// The body did not come in time.
    case slowBody
    /// There are as many connections as there may be, in all or from one address.
    case tooManyConnections
    /// The bodies of all requests together are larger than the budget.
    case bodyBudgetUsedUp
    /// The answers that slow clients have yet to take are larger than the budget.
    case answerBudgetUsedUp
    /// The handler let go of its responder without an answer.
    case unanswered
}
