/// A point in time: milliseconds since 1970, UTC.
public struct JobInstant: Hashable, Sendable, Comparable {
    /// Milliseconds since 1970, UTC.
    public let unixMilliseconds: Int64

    /// Creates an instant from milliseconds since 1970.
    public init(unixMilliseconds: Int64) {
        self.unixMilliseconds = unixMilliseconds
    }

    /// The instant `seconds` later; far beyond a century either way it stays at a century.
    public func advanced(bySeconds seconds: Double) -> JobInstant {
        let century = 3.2e9
        let bounded = seconds.isNaN ? century : min(max(seconds, -century), century)
        return JobInstant(unixMilliseconds: unixMilliseconds &+ Int64(bounded * 1000))
    }

    /// Seconds from `earlier` to this instant.
    public func seconds(since earlier: JobInstant) -> Double {
        Double(unixMilliseconds &- earlier.unixMilliseconds) / 1000
    }

    /// True if `left` is before `right`.
    public static func < (left: JobInstant, right: JobInstant) -> Bool {
        left.unixMilliseconds < right.unixMilliseconds
    }
}
