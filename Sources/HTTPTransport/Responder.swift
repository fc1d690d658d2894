import HTTPProtocol
import Synchronization

/// Carries one answer back to its connection, from any thread.
///
/// If it is let go without an answer, the client gets one anyway (`TransportFault.unanswered`): no request hangs.
public final class Responder: Sendable {
    private let isUsed = Atomic<Bool>(false)
    private let deliver: @Sendable (Response?) -> Void

    /// `deliver` is called exactly once; with nil if nobody answered.
    public init(deliver: @escaping @Sendable (Response?) -> Void) {
        self.deliver = deliver
    }

    deinit {
        if !isUsed.exchange(true, ordering: .relaxed) { deliver(nil) }
    }

    /// Sends the answer; a second one is dropped.
    public func send(_ response: Response) {
        if !isUsed.exchange(true, ordering: .relaxed) { deliver(response) }
    }
}
