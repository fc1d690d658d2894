/// One line `name: value` of a header section, a trailer section or a part of a multipart body.
enum FieldLine {
    /// Name and value (without the white space around it) in `line`, which has no line end.
    ///
    /// Throws for the three defects that make two readers see different fields: folding, white space around the name,
    /// control characters in the value (RFC 9112 section 5, RFC 9110 section 5.5).
    static func parse(
        _ line: ArraySlice<UInt8>
    ) throws(RequestError) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        let (name, value) = try parse(line.span, line.span.indices)
        let start = line.startIndex
        return (
            line[(start + name.lowerBound)..<(start + name.upperBound)],
            line[(start + value.lowerBound)..<(start + value.upperBound)]
        )
    }

    /// The same for a line that is a part of `bytes`.
    static func parse(
        _ bytes: Span<UInt8>, _ line: Range<Int>
    ) throws(RequestError) -> (name: Range<Int>, value: Range<Int>) {
        var position = line.lowerBound
        while position < line.upperBound, bytes[position].isTokenCharacter { position += 1 }
        guard position > line.lowerBound, position < line.upperBound, bytes[position] == Octet.colon else {
            if line.lowerBound < line.upperBound, bytes[line.lowerBound].isBlank { throw .foldedField }
            throw .invalidFieldName
        }
        let name = line.lowerBound..<position
        var start = position + 1
        var end = line.upperBound
        for index in start..<end where !bytes[index].isFieldValueCharacter { throw .invalidFieldValue }
        while start < end, bytes[start].isBlank { start += 1 }
        while start < end, bytes[end - 1].isBlank { end -= 1 }
        return (name, start..<end)
    }
}
