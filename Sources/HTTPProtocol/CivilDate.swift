/// Days as dates.
public enum CivilDate {
    /// The Gregorian date of a day counted from 1970-01-01, which may be before it.
    ///
    /// Counted in eras of 400 years (146,097 days) that begin on 1 March, so that the leap day is a year's last.
    public static func of(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let days = daysSince1970 + 719_468
        // Rounded down also before the first era.
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }

    /// The days from 1970-01-01 to a Gregorian date; nil for a day that there is not. Years are 0 to 9999.
    public static func daysSince1970(year: Int, month: Int, day: Int) -> Int? {
        guard (0...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        let marchMonth = month > 2 ? month - 3 : month + 9
        let marchYear = month > 2 ? year : year - 1
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfEra =
            yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + (153 * marchMonth + 2) / 5 + day - 1
        let days = era * 146_097 + dayOfEra - 719_468
        return of(daysSince1970: days) == (year, month, day) ? days : nil
    }
}
