/// Dates as HTTP writes them: IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
public enum HTTPDate {
    /// The text for a time in seconds since 1970-01-01 UTC, not negative.
    public static func text(secondsSince1970 seconds: Int) -> String {
        let (days, inDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = CivilDate.of(daysSince1970: days)
        // 1970-01-01 was a Thursday.
        let weekday = weekdays[(days + 4) % 7]
        let time = [inDay / 3600, inDay / 60 % 60, inDay % 60].map(twoDigits).joined(separator: ":")
        return "\(weekday), \(twoDigits(day)) \(months[month - 1]) \(year) \(time) GMT"
    }

    /// The seconds since 1970-01-01 UTC that a date says, also in the two forms that nobody is to send any more:
    /// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`. Nil for anything else.
    ///
    /// The day of the week is not held against the date. Years of two digits are 1970 to 2069, whatever year it is.
    public static func seconds(_ value: ArraySlice<UInt8>) -> Int? {
        guard value.count <= longestByteCount, !value.isEmpty else { return nil }
        let words = value.split(separator: Octet.space)
        guard let first = words.first else { return nil }
        if first.last == Octet.comma {
            guard isWeekday(first.dropLast()), words.last?.elementsEqual("GMT".utf8) == true else { return nil }
            if words.count == 6, first.count == 4 {
                return seconds(year: words[3], month: words[2], day: words[1], time: words[4])
            }
            let date = words.count == 4 ? words[1].split(separator: Octet.hyphen) : []
            guard date.count == 3, date[2].count == 2 else { return nil }
            return seconds(year: date[2], month: date[1], day: date[0], time: words[2])
        }
        guard words.count == 5, first.count == 3, isWeekday(first) else { return nil }
        let day = words[2].count == 1 ? ([Octet.zero] + words[2])[...] : words[2]
        return seconds(year: words[4], month: words[1], day: day, time: words[3])
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let wholeWeekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    /// A Wednesday in the form of RFC 850 has 33.
    private static let longestByteCount = 40

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private static func isWeekday(_ word: ArraySlice<UInt8>) -> Bool {
        weekdays.contains { $0.utf8.elementsEqual(word) } || wholeWeekdays.contains { $0.utf8.elementsEqual(word) }
    }

    private static func seconds(
        year: ArraySlice<UInt8>, month: ArraySlice<UInt8>, day: ArraySlice<UInt8>, time: ArraySlice<UInt8>
    ) -> Int? {
        let parts = time.split(separator: Octet.colon, omittingEmptySubsequences: false)
        guard let monthIndex = months.firstIndex(where: { $0.utf8.elementsEqual(month) }), parts.count == 3,
            let day = number(day, digits: 2), let hour = number(parts[0], digits: 2),
            let minute = number(parts[1], digits: 2), let second = number(parts[2], digits: 2),
            let yearNumber = number(year, digits: year.count == 2 ? 2 : 4), hour < 24, minute < 60, second <= 60
        else { return nil }
        let whole = year.count == 2 ? yearNumber + (yearNumber < 70 ? 2000 : 1900) : yearNumber
        guard let days = CivilDate.daysSince1970(year: whole, month: monthIndex + 1, day: day) else { return nil }
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ text: ArraySlice<UInt8>, digits: Int) -> Int? {
        guard text.count == digits, text.allSatisfy(\.isDigit) else { return nil }
        return text.reduce(0) { $0 * 10 + Int($1 - Octet.zero) }
    }
}
