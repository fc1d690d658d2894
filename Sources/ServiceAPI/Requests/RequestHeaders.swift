import HTTPProtocol

/// Fields of a request that the jobs and the log need.
enum RequestHeaders {
    /// The `Idempotency-Key`: 1 to 255 visible characters of ASCII, at most one field.
    ///
    /// The draft writes it as a quoted string, most clients do not: quotes around it are taken away.
    static func idempotencyKey(_ fields: HeaderFields) throws(ServiceError) -> String? {
        let values = fields.all("idempotency-key")
        guard var value = values.first else { return nil }
        if value.count >= 2, value.first == 0x22, value.last == 0x22 { value = value.dropFirst().dropLast() }
        let isVisible = value.allSatisfy { (0x21...0x7E).contains($0) }
        guard values.count == 1, (1...255).contains(value.count), isVisible else {
            throw .header(name: "Idempotency-Key", expected: "1 to 255 visible ASCII characters, and there once")
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// The body's media type, or nil where none is said. Throws for one that cannot be read or that is there twice,
    /// for text in another encoding than UTF-8, and for a body that is compressed.
    static func contentType(_ fields: HeaderFields) throws(ServiceError) -> MediaType? {
        for coding in fields.elements("content-encoding") where !coding.isEmpty {
            let name = String(decoding: coding.prefix(40), as: UTF8.self)
            guard name.lowercased() == "identity" else { throw .contentCoding(name) }
        }
        let values = fields.all("content-type")
        guard let value = values.first else { return nil }
        guard values.count == 1, let type = MediaType(value),
            Set(type.parameters.map(\.name)).count == type.parameters.count
        else {
            throw .malformedMediaType(String(decoding: value.prefix(80), as: UTF8.self))
        }
        try checkCharset(type)
        return type
    }

    /// Throws if a text is said to be in another encoding than UTF-8.
    static func checkCharset(_ type: MediaType) throws(ServiceError) {
        guard let charset = type.parameter("charset") else { return }
        guard ["utf-8", "utf8", "us-ascii"].contains(charset.lowercased()) else {
            throw .charset(ParameterText.shortened(charset))
        }
    }

    /// The trace id of a valid `traceparent` (W3C Trace Context, version 00 or later), or nil.
    static func traceID(_ fields: HeaderFields) -> String? {
        guard let value = fields.first("traceparent") else { return nil }
        let parts = value.split(separator: 0x2D, omittingEmptySubsequences: false)
        func isHex(_ part: ArraySlice<UInt8>, _ count: Int) -> Bool {
            part.count == count
                && part.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        }
        guard parts.count >= 4, isHex(parts[0], 2), isHex(parts[1], 32), isHex(parts[2], 16), isHex(parts[3], 2),
            !parts[0].elementsEqual("ff".utf8), parts[0].elementsEqual("00".utf8) ? parts.count == 4 : true,
            parts[1].contains(where: { $0 != 0x30 }), parts[2].contains(where: { $0 != 0x30 })
        else { return nil }
        return String(decoding: parts[1], as: UTF8.self)
    }
}
