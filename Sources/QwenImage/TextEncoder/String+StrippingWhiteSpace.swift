extension String {
    /// The text without white space at both ends, as Python's `str.strip` takes it away.
    func strippingWhiteSpace() -> String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            // Python counts the four separators U+001C...U+001F too; Unicode's White_Space does not.
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        var rest = unicodeScalars[...]
        while let first = rest.first, isSpace(first) { rest.removeFirst() }
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return String(rest)
    }
}
