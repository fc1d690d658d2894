import Dispatch
import HTTPProtocol
import Logging

/// What the connections of one event loop share; used on the loop's thread alone.
final class LoopContext {
    let configuration: TransportConfiguration
    let handler: any RequestHandler
    let mailbox: Mailbox
    let logger: Logger
    let poll: EventPoll
    /// Handlers run here: parsing and encoding, no waiting.
    let handlerQueue = DispatchQueue(label: "mica.handlers", attributes: .concurrent)
    var clock = Clock()
    /// Every answer is the last of its connection.
    var closesAfterAnswers = false
    /// Connections without a request end.
    var isStopping = false
    /// Bytes of bodies that requests hold just now.
    var heldBodyBytes = 0
    /// What large answers may take in memory until their clients have taken them.
    let answers: AnswerBudget
    /// What one read takes at most; shared, since the loop reads one socket at a time.
    var readBuffer = [UInt8](repeating: 0, count: 64 * 1024)
    /// Connections that are over, to be taken from the table when no code of theirs runs.
    var closed: [ConnectionID] = []

    private let idPrefix = String(UInt32.random(in: .min ... .max), radix: 16)
    private var idCount: UInt64 = 0

    init(
        configuration: TransportConfiguration, handler: any RequestHandler, mailbox: Mailbox, logger: Logger
    ) throws(TransportError) {
        self.configuration = configuration
        self.handler = handler
        self.mailbox = mailbox
        self.logger = logger
        answers = AnswerBudget(limitBytes: configuration.answerBudgetBytes)
        poll = try EventPoll()
    }

    func requestID(for head: RequestHead) -> RequestID { RequestID(head) ?? newRequestID() }

    func newRequestID() -> RequestID {
        idCount += 1
        return .made(prefix: idPrefix, number: idCount)
    }

    func date() -> String { clock.currentDate(HTTPDate.text) }
}
