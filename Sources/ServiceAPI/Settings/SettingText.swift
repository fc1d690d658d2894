/// The text of one option, read as what the option takes; each reader throws `SettingsError.value` otherwise.
struct SettingText {
    let text: String
    /// Where it comes from, for the message.
    let source: String

    func number(_ range: ClosedRange<Int>) throws(SettingsError) -> Int {
        guard ParameterText.isNumber(text), let value = Int(text), range.contains(value) else {
            throw refused("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func boolean() throws(SettingsError) -> Bool {
        switch text {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw refused("true or false")
        }
    }

    func choice<Value: RawRepresentable<String> & CaseIterable>(_: Value.Type) throws(SettingsError) -> Value {
        guard let value = Value(rawValue: text) else {
            throw refused("one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    func nonEmpty() throws(SettingsError) -> String {
        guard !text.isEmpty else { throw refused("not empty") }
        return text
    }

    /// Texts between commas; one a line if there are lines, so that a text may have commas.
    func list() -> [String] {
        let isLines = text.contains(where: \.isNewline)
        return text.split { isLines ? $0.isNewline : $0 == "," }.map { String($0).trimmingSpaces }
            .filter { !$0.isEmpty }
    }

    /// Origins between commas or spaces: scheme, host and perhaps a port, without a path; or `*`.
    func origins() throws(SettingsError) -> [String] {
        let words = text.split { $0 == "," || $0.isWhitespace }.map(String.init)
        for word in words where word != "*" {
            let parts = word.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "http:" || parts[0] == "https:", parts[1].isEmpty, !parts[2].isEmpty,
                word == word.lowercased()
            else { throw refused("origins such as https://design.example, between commas, or *") }
        }
        return words
    }

    private func refused(_ expected: String) -> SettingsError {
        .value(source: source, value: text, expected: expected)
    }
}
