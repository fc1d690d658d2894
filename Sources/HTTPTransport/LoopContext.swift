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
    var isStopping = false
    /// Bytes of bodies that requests hold just now.
    var heldBodyBytes = 0
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
        poll = try EventPoll()
    }

    /// `X-Request-Id` if it is safe to repeat in answers and logs, else a new one.
    func requestID(for head: RequestHead?) -> String {
        if let given = head?.fields.first("x-request-id"), (1...Self.largestIDBytes).contains(given.count),
            given.allSatisfy(Self.isSafe)
        {
            return String(decoding: given, as: UTF8.self)
        }
        idCount += 1
        return "\(idPrefix)-\(idCount)"
    }

    private static let largestIDBytes = 64

    /// Letters, digits, "-", "." and "_".
    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }

    func date() -> String { clock.currentDate(HTTPDate.text) }
}
