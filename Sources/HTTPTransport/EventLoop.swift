import CSockets
import Glibc
import HTTPProtocol
import Logging
import Synchronization

/// The one thread that owns all sockets: accepts, reads, writes, and keeps the time.
final class EventLoop {
    private let context: LoopContext
    private let listeners: ListeningSockets
    private var connections = ConnectionTable()
    private var generation: UInt32 = 0
    private var tls: TLSContext?
    /// The address that the last accept saw.
    private var peerBytes = [UInt8](repeating: 0, count: Int(MICA_ADDRESS_BYTES))
    private let isCountedPerAddress: Bool
    private var perAddress: [PeerAddress: Int] = [:]
    /// Connections beyond the limit that are being told so.
    private var refused: Set<ConnectionID> = []
    /// Given up when descriptors run out, to accept and close one
    /// connection: else the listener stays readable for ever.
    private var spareDescriptor: Int32
    /// When accepting goes on after descriptors ran out.
    private var acceptsAgainAt: UInt64?
    /// A shortage lasts for many pauses, and one line is enough for it.
    private var shortageIsLoggedAgainAt: UInt64 = 0
    private var stopsAt: UInt64?
    private var nextSweep = UInt64.max
    private var lastSweep: UInt64 = 0

    private static let acceptBatch = 64
    private static let refusedLimit = 64
    private static let acceptPause: UInt64 = 100_000_000
    private static let shortageLogInterval: UInt64 = 10_000_000_000
    /// Deadlines are checked no more often than this, so that thousands of them cost little.
    private static let sweepInterval: UInt64 = 20_000_000

    init(context: LoopContext, listeners: ListeningSockets, tls: TLSContext?) throws(TransportError) {
        self.context = context
        self.listeners = listeners
        self.tls = tls
        isCountedPerAddress = context.configuration.connectionLimitPerAddress > 0 && !listeners.isUnix
        spareDescriptor = Self.openSpare()
        var watched = listeners.descriptors
        watched.append(context.mailbox.wakeDescriptor)
        for descriptor in watched {
            guard context.poll.add(ConnectionID(descriptor: descriptor, generation: 0), .read) else {
                throw .lastSystemError("epoll_ctl")
            }
        }
    }

    deinit {
        _ = Glibc.close(spareDescriptor)
    }

    private static func openSpare() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }

    /// Runs until it is stopped and every connection has ended, or the grace is over.
    func run() {
        while true {
            let count = context.poll.wait(milliseconds: waitMilliseconds())
            context.clock.update()
            for index in 0..<count {
                let (id, events) = context.poll.event(index)
                handle(id, events)
            }
            removeClosed()
            sweep()
            resumeAccepting()
            if let stopsAt, connections.isEmpty || stopsAt <= context.clock.now { break }
        }
        for connection in connections.all { connection.close() }
        removeClosed()
    }

    private func handle(_ id: ConnectionID, _ events: EventSet) {
        if id.generation == 0 {
            if id.descriptor == context.mailbox.wakeDescriptor { takeMail() } else { accept(from: id.descriptor) }
        } else {
            withConnection(id) { $0.handle(events) }
        }
    }

    /// Does nothing if that connection has ended, even if its descriptor lives on in another.
    private func withConnection(_ id: ConnectionID, _ body: (Connection) -> Void) {
        guard let connection = connections[id] else { return }
        body(connection)
        nextSweep = min(nextSweep, connection.deadline)
    }

    private func takeMail() {
        for message in context.mailbox.takeAll() {
            switch message {
            case .answer(let id, let response, let room): withConnection(id) { $0.deliver(response, in: room) }
            case .fault(let id, let fault): withConnection(id) { $0.deliver(fault) }
            case .stream(let id, let head, let buffer, let room):
                if connections[id] == nil { buffer.close() }
                withConnection(id) { $0.deliver(head, stream: buffer, in: room) }
            case .streamed(let id): withConnection(id) { $0.streamed() }
            case .givenUp(let id): withConnection(id) { $0.closeIfGivenUp() }
            case .useTLS(let context): tls = context
            case .drain: context.closesAfterAnswers = true
            case .stop(let graceSeconds): stop(graceSeconds: graceSeconds)
            }
        }
    }

    private func removeClosed() {
        guard !context.closed.isEmpty else { return }
        for id in context.closed {
            guard let connection = connections.remove(id) else { continue }
            refused.remove(id)
            if let peer = connection.peer { release(peer) }
        }
        context.closed.removeAll(keepingCapacity: true)
        context.mailbox.connectionCount.store(connections.count, ordering: .relaxed)
    }

    private func release(_ peer: PeerAddress) {
        let count = perAddress[peer, default: 1] - 1
        perAddress[peer] = count == 0 ? nil : count
    }

    // MARK: Accepting

    private func accept(from listener: Int32) {
        for _ in 0..<Self.acceptBatch {
            let descriptor = mica_accept(listener, &peerBytes)
            if descriptor >= 0 {
                admit(descriptor)
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pauseAccepting(listener)
            default: return
            }
        }
    }

    private func admit(_ descriptor: Int32) {
        generation = generation == .max ? 1 : generation + 1
        let id = ConnectionID(descriptor: descriptor, generation: generation)
        let socket = Socket(
            descriptor: descriptor, isTCP: !listeners.isUnix, tls: tls?.session(descriptor: descriptor))
        let peer = isCountedPerAddress ? PeerAddress(peerBytes) : nil
        let connection = Connection(id: id, peer: peer, socket: socket, context: context)
        // Without room for one more, the connection is let go here, which closes its socket.
        let isRefused = connections.count - refused.count >= context.configuration.connectionLimit || isOneTooMany(peer)
        guard !isRefused || refused.count < Self.refusedLimit, tls == nil || socket.isTLS,
            context.poll.add(id, [.read, .peerClosed])
        else { return }
        connections.insert(connection)
        context.mailbox.connectionCount.store(connections.count, ordering: .relaxed)
        if let peer { perAddress[peer, default: 0] += 1 }
        if isRefused {
            refused.insert(id)
            connection.refuse(.tooManyConnections)
        }
        nextSweep = min(nextSweep, connection.deadline)
    }

    private func isOneTooMany(_ peer: PeerAddress?) -> Bool {
        guard let peer, let count = perAddress[peer] else { return false }
        return count >= context.configuration.connectionLimitPerAddress
    }

    private func pauseAccepting(_ listener: Int32) {
        if context.clock.now >= shortageIsLoggedAgainAt {
            shortageIsLoggedAgainAt = context.clock.now + Self.shortageLogInterval
            context.logger.warning(
                "no descriptors left: accepting pauses", metadata: ["connections": "\(connections.count)"])
        }
        _ = Glibc.close(spareDescriptor)
        let descriptor = mica_accept(listener, &peerBytes)
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        spareDescriptor = Self.openSpare()
        watchListeners(for: [])
        acceptsAgainAt = context.clock.now + Self.acceptPause
    }

    private func resumeAccepting() {
        guard let time = acceptsAgainAt, time <= context.clock.now else { return }
        acceptsAgainAt = nil
        watchListeners(for: .read)
    }

    private func watchListeners(for events: EventSet) {
        for descriptor in listeners.descriptors {
            context.poll.modify(ConnectionID(descriptor: descriptor, generation: 0), events)
        }
    }

    // MARK: Time

    private func waitMilliseconds() -> Int32 {
        var due = nextSweep == .max ? nextSweep : max(nextSweep, lastSweep + Self.sweepInterval)
        due = min(due, stopsAt ?? .max, acceptsAgainAt ?? .max)
        guard due != .max else { return -1 }
        guard due > context.clock.now else { return 0 }
        return Int32(clamping: (due - context.clock.now + 999_999) / 1_000_000)
    }

    private func sweep() {
        let now = context.clock.now
        guard nextSweep <= now, lastSweep + Self.sweepInterval <= now else { return }
        lastSweep = now
        for connection in connections.all where connection.deadline <= now { connection.checkDeadline() }
        removeClosed()
        nextSweep = connections.all.reduce(.max) { min($0, $1.deadline) }
    }

    private func stop(graceSeconds: Double) {
        let time = context.clock.now + Clock.nanoseconds(graceSeconds)
        stopsAt = min(stopsAt ?? .max, time)
        guard !context.isStopping else { return }
        context.closesAfterAnswers = true
        context.isStopping = true
        // Closing takes them from the poll, too.
        listeners.close()
        acceptsAgainAt = nil
        for connection in connections.all { connection.stop() }
        removeClosed()
    }
}
