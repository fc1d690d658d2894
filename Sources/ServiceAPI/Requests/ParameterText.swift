/// Values of parameters as text: digits and words, read strictly.
enum ParameterText {
    /// Digits alone: `Int("+5")` would be 5.
    static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// A whole number; `word` is what else the parameter takes, for the message.
    static func integer(
        _ text: String, _ name: String, _ range: ClosedRange<Int>, orElse word: String? = nil
    ) throws(ServiceError) -> Int {
        guard isNumber(text), let value = Int(text), range.contains(value) else {
            let numbers = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw .unreadableParameter(
                name: name, value: shortened(text), expected: word.map { "\(numbers), or \($0)" } ?? numbers)
        }
        return value
    }

    /// A number without a sign, as 1, 0.5 or 2e3.
    static func decimal(
        _ text: String, _ name: String, _ range: ClosedRange<Double>, _ expected: String
    ) throws(ServiceError) -> Double {
        let isPlain = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || [0x2E, 0x2B, 0x2D, 0x45, 0x65].contains($0)
        }
        let startsPlain = text.utf8.first.map { (0x30...0x39).contains($0) || $0 == 0x2E } ?? false
        guard isPlain, startsPlain, let value = Double(text), range.contains(value) else {
            throw .unreadableParameter(name: name, value: shortened(text), expected: expected)
        }
        return value
    }

    static func boolean(_ text: String, _ name: String) throws(ServiceError) -> Bool {
        try choice(text, name, [("true", true), ("false", false), ("1", true), ("0", false)])
    }

    static func choice<Value>(
        _ text: String, _ name: String, _ choices: [(String, Value)]
    ) throws(ServiceError) -> Value {
        for (known, value) in choices where known == text { return value }
        throw .unreadableParameter(
            name: name, value: shortened(text), expected: choices.map(\.0).joined(separator: " or "))
    }

    /// What goes into a message of one line.
    static func shortened(_ text: String) -> String { String(text.prefix(40)) }

    /// A JSON number as a form would have it: 4.0 and 4e0 are 4, -0 is 0.
    static func normalized(number: String) -> String {
        guard !isNumber(number), let value = Double(number), abs(value) < 9e15, value == value.rounded() else {
            return number
        }
        return "\(Int(value))"
    }
}
