/// One line `name: value` of a header section, a trailer section or a part of a multipart body.
enum FieldLine {
    /// Name and value (without the white space around it) in `line`, which has no line end.
    ///
    /// Throws for the three defects that make two readers see different fields: folding, white space around the name,
    /// control characters in the value (RFC 9112 section 5, RFC 9110 section 5.5).
    static func parse(
        _ line: ArraySlice<UInt8>
    ) throws(RequestError) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        if let first = line.first, first.isBlank { throw .foldedField }
        var position = line.startIndex
        while position < line.endIndex, line[position].isTokenCharacter { position += 1 }
        guard position > line.startIndex, position < line.endIndex, line[position] == Octet.colon else {
            throw .invalidFieldName
        }
        let name = line[line.startIndex..<position]
        let value = line[(position + 1)...]
        for byte in value where !byte.isFieldValueCharacter { throw .invalidFieldValue }
        return (name, value.trimmingBlanks)
    }
}
