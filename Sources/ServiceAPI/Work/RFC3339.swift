import HTTPProtocol
import Jobs

/// Times as JSON has them (RFC 3339), in UTC to the millisecond.
enum RFC3339 {
    static func text(_ instant: JobInstant) -> String {
        let milliseconds = instant.unixMilliseconds
        let day = Int(milliseconds.quotientFlooring(86_400_000))
        let time = Int(milliseconds - Int64(day) * 86_400_000)
        let (year, month, date) = CivilDate.of(daysSince1970: day)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(date, 2))T"
            + "\(padded(time / 3_600_000, 2)):\(padded(time / 60_000 % 60, 2)):\(padded(time / 1000 % 60, 2))"
            + ".\(padded(time % 1000, 3))Z"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = "\(value)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension FixedWidthInteger {
    /// The quotient, rounded down also below zero.
    fileprivate func quotientFlooring(_ divisor: Self) -> Self {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
