import ArgumentParser

/// Numbers that options may have.
enum OptionRange {
    /// Throws a message for the user, with the option's name, unless its value is within its range.
    static func check(_ option: String, _ value: Int, _ range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw ValidationError("\(option) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
    }
}
