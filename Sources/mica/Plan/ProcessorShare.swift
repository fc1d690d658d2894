import Foundation
import Synchronization

/// How much of the processors work of this process gets: 1 where nothing else runs, about a half beside as much other
/// work.
///
/// Asked of the scheduler itself, by threads that only count, so that containers and quotas are seen as they are.
enum ProcessorShare {
    /// From here on what is timed counts as undisturbed; an idle machine gives 0.97 and more.
    static let undisturbed = 0.9

    /// Long enough for several turns of the scheduler, which are 3 to 10 ms.
    private static let seconds = 0.04

    /// Keeps `threads` threads busy for a moment; the part of that time that they really ran, 0 to 1. More threads than
    /// processors share these.
    static func measured(threads: Int) -> Double {
        let total = Mutex(0.0)
        let group = DispatchGroup()
        for _ in 0..<threads {
            group.enter()
            Thread.detachNewThread {
                let share = ofThisThread()
                total.withLock { $0 += share }
                group.leave()
            }
        }
        group.wait()
        return min(total.withLock { $0 } / Double(threads), 1)
    }

    private static func ofThisThread() -> Double {
        let (started, begun) = (now(CLOCK_MONOTONIC), now(CLOCK_THREAD_CPUTIME_ID))
        while now(CLOCK_MONOTONIC) - started < seconds {}
        return (now(CLOCK_THREAD_CPUTIME_ID) - begun) / (now(CLOCK_MONOTONIC) - started)
    }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
