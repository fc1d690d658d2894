import Dispatch
import Glibc

/// The machine's clocks. Actions run on a serial queue of its own.
public final class SystemJobClock: JobClock {
    private let queue = DispatchQueue(label: "mica.jobs.timer")

    /// Creates a clock with a queue of its own.
    public init() {}

    public var now: JobInstant {
        let time = read(CLOCK_REALTIME)
        return JobInstant(unixMilliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public var elapsedSeconds: Double {
        let time = read(CLOCK_MONOTONIC)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    public func schedule(afterSeconds seconds: Double, _ action: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + max(0, seconds), execute: action)
    }

    private func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        // Cannot fail for these two clocks.
        _ = unsafe clock_gettime(clock, &time)
        return time
    }
}
