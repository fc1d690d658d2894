import Synchronization

/// The pieces of a streamed body on their way from a handler's thread to the event loop.
final class StreamBuffer: Sendable {
    /// What the event loop takes at once.
    struct Batch {
        var pieces: [[UInt8]] = []
        /// Nothing comes after these pieces.
        var isLast = false
        /// The body ends without its end: the handler let go of it, or wrote more than may wait.
        var isBroken = false
    }

    private struct State: Sendable {
        var pieces: [[UInt8]] = []
        var byteCount = 0
        var isFinished = false
        var isBroken = false
        /// The connection has ended: nothing is taken any more.
        var isGone = false
        var whenWritable: [@Sendable () -> Void] = []

        var isOpen: Bool { !isFinished && !isBroken && !isGone }
    }

    private let state = Mutex(State())
    private let limitBytes: Int
    private let congestedBytes: Int
    private let wake: @Sendable () -> Void

    /// A stream is congested while more than this waits.
    static let usualCongestedBytes = 256 * 1024

    /// `wake` is called, on any thread, when there is something to take after there was nothing.
    init(
        limitBytes: Int, congestedBytes: Int = StreamBuffer.usualCongestedBytes, wake: @escaping @Sendable () -> Void
    ) {
        self.limitBytes = limitBytes
        self.congestedBytes = congestedBytes
        self.wake = wake
    }

    // MARK: The handler's side

    var isOpen: Bool { state.withLock { $0.isOpen } }

    var isCongested: Bool { state.withLock { $0.byteCount > congestedBytes } }

    /// False if nobody takes it any more.
    func write(_ bytes: [UInt8]) -> Bool {
        let (isTaken, wakes) = state.withLock { state -> (Bool, Bool) in
            guard state.isOpen else { return (false, false) }
            guard !bytes.isEmpty else { return (true, false) }
            guard bytes.count <= limitBytes - state.byteCount else {
                state.isBroken = true
                return (false, true)
            }
            state.pieces.append(bytes)
            state.byteCount += bytes.count
            return (true, state.pieces.count == 1)
        }
        if wakes { wake() }
        return isTaken
    }

    /// Ends the body; broken if it is not the proper end. Later ends change nothing.
    func end(isBroken: Bool) {
        let wakes = state.withLock { state in
            guard state.isOpen else { return false }
            if isBroken { state.isBroken = true } else { state.isFinished = true }
            return true
        }
        if wakes { wake() }
    }

    func whenWritable(_ action: @escaping @Sendable () -> Void) {
        let isNow = state.withLock { state in
            guard state.isOpen, state.byteCount > congestedBytes else { return true }
            state.whenWritable.append(action)
            return false
        }
        if isNow { action() }
    }

    // MARK: The loop's side

    func take() -> Batch {
        let (batch, actions) = state.withLock { state in
            let batch = Batch(pieces: state.pieces, isLast: state.isFinished, isBroken: state.isBroken)
            state.pieces = []
            state.byteCount = 0
            return (batch, Self.takeActions(&state))
        }
        for action in actions { action() }
        return batch
    }

    /// The client is gone, or wants no body: what waits is dropped, and so is whatever comes.
    func close() {
        let actions = state.withLock { state in
            state.isGone = true
            state.pieces = []
            state.byteCount = 0
            return Self.takeActions(&state)
        }
        for action in actions { action() }
    }

    private static func takeActions(_ state: inout State) -> [@Sendable () -> Void] {
        defer { state.whenWritable = [] }
        return state.whenWritable
    }
}
