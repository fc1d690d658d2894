import Jobs
import Synchronization

/// A clock whose hands the test turns. What is due runs within `advance`, in order.
final class ManualJobClock: JobClock {
    private struct Alarm {
        let at: Int64
        let action: @Sendable () -> Void
    }

    private struct State {
        var milliseconds: Int64 = 1_700_000_000_000
        var dateOffset: Int64 = 0
        var alarms: [Alarm] = []
    }

    private let state = Mutex(State())

    var now: JobInstant { JobInstant(unixMilliseconds: state.withLock { $0.milliseconds + $0.dateOffset }) }
    var elapsedSeconds: Double { Double(state.withLock { $0.milliseconds }) / 1000 }

    func schedule(afterSeconds seconds: Double, _ action: @escaping @Sendable () -> Void) {
        state.withLock { state in
            let at = state.milliseconds + Int64((seconds * 1000).rounded(.up))
            let place = state.alarms.firstIndex { $0.at > at } ?? state.alarms.endIndex
            state.alarms.insert(Alarm(at: at, action: action), at: place)
        }
    }

    /// Alarms that have not gone off.
    var alarmCount: Int { state.withLock { $0.alarms.count } }

    /// Sets the date, as somebody or the network does: no time passes.
    func setDate(bySeconds seconds: Double) { state.withLock { $0.dateOffset += Int64(seconds * 1000) } }

    func advance(bySeconds seconds: Double) {
        let target = state.withLock { $0.milliseconds } + Int64(seconds * 1000)
        while let action = next(until: target) { action() }
        state.withLock { $0.milliseconds = target }
    }

    private func next(until target: Int64) -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard let first = state.alarms.first, first.at <= target else { return nil }
            state.milliseconds = max(state.milliseconds, first.at)
            return state.alarms.removeFirst().action
        }
    }
}
