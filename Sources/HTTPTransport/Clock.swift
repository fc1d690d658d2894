import Glibc

/// Time as the event loop sees it, read once a round.
struct Clock {
    /// Nanoseconds of a clock that never jumps.
    private(set) var now: UInt64 = 0
    /// The date for answers' `Date` fields, made once a second.
    private(set) var date = ""
    private var dateSeconds = -1

    init() { update() }

    mutating func update() {
        var time = timespec()
        _ = clock_gettime(CLOCK_MONOTONIC, &time)
        now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The date as text (`HTTPDate`).
    mutating func currentDate(_ text: (Int) -> String) -> String {
        let seconds = Int(Glibc.time(nil))
        if seconds != dateSeconds {
            dateSeconds = seconds
            date = text(seconds)
        }
        return date
    }

    /// Seconds as nanoseconds; negative ones and those beyond a thousand years do not matter.
    static func nanoseconds(_ seconds: Double) -> UInt64 {
        UInt64(max(0, min(seconds, 3e10)) * 1e9)
    }
}
