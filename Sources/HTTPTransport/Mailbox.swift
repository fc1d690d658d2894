import CSockets
import Glibc
import HTTPProtocol
import Synchronization

/// How other threads talk to the event loop: a list of messages, and an eventfd that wakes it.
final class Mailbox: Sendable {
    enum Message: Sendable {
        /// The answer of a handler.
        case answer(ConnectionID, Response, AnswerRoom)
        /// Why there is none.
        case fault(ConnectionID, TransportFault)
        /// The head of an answer whose body comes over time.
        case stream(ConnectionID, Response, StreamBuffer, AnswerRoom)
        /// There is more of that body.
        case streamed(ConnectionID)
        /// The handler gave up the request after the client ended its half.
        case givenUp(ConnectionID)
        /// New connections have this certificate.
        case useTLS(TLSContext)
        /// Every answer from now on is the last of its connection.
        case drain
        /// Stop accepting; whatever is not done after so many seconds is cut off.
        case stop(graceSeconds: Double)
    }

    /// Readable while there is something to take.
    let wakeDescriptor: Int32
    /// Connections that are open, as the loop last counted them.
    let connectionCount = Atomic<Int>(0)
    private let messages = Mutex<[Message]>([])

    init() throws(TransportError) {
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard wakeDescriptor >= 0 else { throw .lastSystemError("eventfd") }
    }

    deinit {
        _ = Glibc.close(wakeDescriptor)
    }

    func post(_ message: Message) {
        let isFirst = messages.withLock { messages in
            messages.append(message)
            return messages.count == 1
        }
        // Only the first of a batch wakes the loop: it takes all at once.
        if isFirst { _ = eventfd_write(wakeDescriptor, 1) }
    }

    func takeAll() -> [Message] {
        var count: eventfd_t = 0
        _ = eventfd_read(wakeDescriptor, &count)
        return messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}

/// A connection, told apart from later ones that get the same descriptor.
struct ConnectionID: Sendable, Hashable {
    let descriptor: Int32
    /// Never 0: that is for the loop's own descriptors.
    let generation: UInt32

    var packed: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)) }

    init(descriptor: Int32, generation: UInt32) {
        self.descriptor = descriptor
        self.generation = generation
    }

    init(packed: UInt64) {
        descriptor = Int32(bitPattern: UInt32(truncatingIfNeeded: packed))
        generation = UInt32(packed >> 32)
    }
}

extension TransportError {
    /// The calling thread's last system error.
    static func lastSystemError(_ operation: String) -> TransportError {
        .system(operation: operation, reason: String(cString: strerror(errno)))
    }
}
