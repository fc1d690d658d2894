/// Collects the lines of one header section and decides what they mean together.
struct HeadBuilder: Sendable {
    private let method: String
    private let target: RequestTarget
    private let version: HTTPVersion
    private var fields = HeaderFields()
    private var fieldBytes = 0
    /// Where the fields are that decide on the framing, by their places among all.
    private var hosts: [Int] = []
    private var codings: [Int] = []
    private var lengths: [Int] = []
    private var connections: [Int] = []
    private var expectations: [Int] = []

    /// Reads a request line (RFC 9112 section 3): exactly one space between its three parts.
    init(_ bytes: Span<UInt8>, requestLine line: Range<Int>) throws(RequestError) {
        var position = line.lowerBound
        while position < line.upperBound, bytes[position].isTokenCharacter { position += 1 }
        let method = line.lowerBound..<position
        guard !method.isEmpty, position < line.upperBound, bytes[position] == Octet.space else {
            throw .malformedRequestLine
        }
        let targetStart = position + 1
        position = targetStart
        while position < line.upperBound, bytes[position] != Octet.space { position += 1 }
        let targetRange = targetStart..<position
        guard !targetRange.isEmpty, position < line.upperBound else { throw .malformedRequestLine }
        version = try Self.version(bytes, (position + 1)..<line.upperBound)
        target = try RequestTarget.parse(bytes, targetRange, method: method)
        self.method = String(copying: bytes, method)
    }

    /// "HTTP/" DIGIT "." DIGIT, upper case; of these 1.0 and 1.1 (RFC 9112 section 2.3).
    private static func version(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(RequestError) -> HTTPVersion {
        let start = range.lowerBound
        guard range.count == 8, bytes.matches("HTTP/", at: start), bytes[start + 5].isDigit,
            bytes[start + 6] == Octet.dot, bytes[start + 7].isDigit
        else { throw .malformedRequestLine }
        if bytes.matches("1.1", at: start + 5) { return .http11 }
        if bytes.matches("1.0", at: start + 5) { return .http10 }
        throw .unsupportedVersion
    }

    mutating func add(
        _ bytes: Span<UInt8>, fieldLine line: Range<Int>, limits: RequestLimits
    ) throws(RequestError) {
        fieldBytes += line.count + 2
        guard fieldBytes <= limits.fieldBytes else { throw .fieldsTooLarge(limitBytes: limits.fieldBytes) }
        guard fields.count < limits.fieldCount else { throw .tooManyFields(limit: limits.fieldCount) }
        let (name, value) = try FieldLine.parse(bytes, line)
        let place = fields.count
        fields.append(bytes, name: name, value: value)
        switch name.count {
        case 4 where fields.matches(place, "host"): hosts.append(place)
        case 6 where fields.matches(place, "expect"): expectations.append(place)
        case 10 where fields.matches(place, "connection"): connections.append(place)
        case 14 where fields.matches(place, "content-length"): lengths.append(place)
        case 17 where fields.matches(place, "transfer-encoding"): codings.append(place)
        default: break
        }
    }

    /// Bytes that further field lines may have.
    func remainingFieldBytes(limits: RequestLimits) -> Int { max(0, limits.fieldBytes - fieldBytes) }

    /// The head, once the empty line has come.
    ///
    /// The length of a body is as declared, and expectations are not looked at: whether that is too much, and whether
    /// they can be met, is the parser's to say.
    func finish() throws(RequestError) -> RequestHead {
        try checkHost()
        let framing = try framing()
        return RequestHead(
            method: method, target: target, version: version, fields: fields, framing: framing,
            keepsAlive: keepsAlive(), expectsContinue: !expectations.isEmpty && heedsExpectations)
    }

    /// One valid `Host` in HTTP/1.1, at most one in HTTP/1.0.
    private func checkHost() throws(RequestError) {
        guard hosts.count <= 1 else { throw .repeatedHost }
        guard let host = hosts.first else {
            if version == .http11 { throw .missingHost }
            return
        }
        guard Host.isValid(fields.value(host)) else { throw .invalidHost }
    }

    /// Anything ambiguous is refused: two readers who disagree on where a body ends see different requests.
    private func framing() throws(RequestError) -> BodyFraming {
        if !codings.isEmpty {
            guard version == .http11 else { throw .transferEncodingInHTTP10 }
            guard lengths.isEmpty else { throw .lengthWithTransferEncoding }
            let names = codings.flatMap {
                fields.value($0).split(separator: Octet.comma, omittingEmptySubsequences: false).map(\.trimmingBlanks)
            }
            guard let last = names.last, last.equalsIgnoringCase("chunked"),
                names.count(where: { $0.equalsIgnoringCase("chunked") }) == 1,
                names.allSatisfy({ !$0.isEmpty })
            else { throw .invalidTransferEncoding }
            guard names.count == 1 else { throw .unknownTransferCoding }
            return .chunked
        }
        guard let length = lengths.first else { return .none }
        guard lengths.count == 1 else { throw .repeatedContentLength }
        guard let bytes = Self.decimal(fields.value(length)) else { throw .invalidContentLength }
        return .length(bytes)
    }

    /// 1*DIGIT without sign or space; nil also on overflow. (`Int("+5")` would be 5.)
    static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty else { return nil }
        var value = 0
        for byte in digits {
            guard byte.isDigit else { return nil }
            let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, stillTooLarge) = tens.addingReportingOverflow(Int(byte - Octet.zero))
            if tooLarge || stillTooLarge { return nil }
            value = sum
        }
        return value
    }

    private func keepsAlive() -> Bool {
        guard !connections.isEmpty else { return version == .http11 }
        let options = connections.flatMap {
            fields.value($0).split(separator: Octet.comma).map(\.trimmingBlanks)
        }
        if options.contains(where: { $0.equalsIgnoringCase("close") }) { return false }
        return version == .http11 || options.contains { $0.equalsIgnoringCase("keep-alive") }
    }

    /// True if something else than `100-continue` is expected.
    var hasUnknownExpectation: Bool {
        heedsExpectations && expectations.contains { !fields.value($0).equalsIgnoringCase("100-continue") }
    }

    /// HTTP/1.0 clients cannot read an interim response: for them the field means nothing (RFC 9110 10.1.1).
    private var heedsExpectations: Bool { version == .http11 }
}
