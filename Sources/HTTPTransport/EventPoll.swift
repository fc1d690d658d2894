import CSockets
import Glibc

/// What a descriptor is watched for, or what happened on it.
struct EventSet: OptionSet, Sendable {
    let rawValue: UInt32

    static let read = EventSet(rawValue: EPOLLIN.rawValue)
    static let write = EventSet(rawValue: EPOLLOUT.rawValue)
    /// The peer has closed its sending half.
    static let peerClosed = EventSet(rawValue: EPOLLRDHUP.rawValue)
    /// Nothing more can be sent, and nothing more comes than what is there; reported whether asked for or not.
    static let hungUp = EventSet(rawValue: EPOLLHUP.rawValue)
    /// The connection is broken; reported whether asked for or not.
    static let failed = EventSet(rawValue: EPOLLERR.rawValue)
}

/// An epoll descriptor, level-triggered.
final class EventPoll {
    private let descriptor: Int32
    private var events = [epoll_event](repeating: epoll_event(), count: EventPoll.batchCount)

    private static let batchCount = 256

    init() throws(TransportError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .lastSystemError("epoll_create1") }
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    /// False if the system refuses, for want of memory.
    func add(_ id: ConnectionID, _ interest: EventSet) -> Bool { control(EPOLL_CTL_ADD, id, interest) }

    func modify(_ id: ConnectionID, _ interest: EventSet) { _ = control(EPOLL_CTL_MOD, id, interest) }

    func remove(_ id: ConnectionID) { _ = control(EPOLL_CTL_DEL, id, []) }

    private func control(_ operation: Int32, _ id: ConnectionID, _ interest: EventSet) -> Bool {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: id.packed))
        return epoll_ctl(descriptor, operation, id.descriptor, &event) == 0
    }

    /// Waits for events, up to so many milliseconds (-1: for ever), and returns how many `event` has.
    ///
    /// An interrupted wait is one without events.
    func wait(milliseconds: Int32) -> Int {
        max(0, Int(epoll_wait(descriptor, &events, Int32(Self.batchCount), milliseconds)))
    }

    /// One of the events that the last wait found.
    func event(_ index: Int) -> (id: ConnectionID, events: EventSet) {
        (ConnectionID(packed: events[index].data.u64), EventSet(rawValue: events[index].events))
    }
}
