/// Collects the lines of one header section and decides what they mean together.
struct HeadBuilder: Sendable {
    private let method: String
    private let target: RequestTarget
    private let version: HTTPVersion
    private var fields = HeaderFields()
    private var fieldBytes = 0

    /// Reads a request line (RFC 9112 section 3): exactly one space between its three parts.
    init(requestLine line: ArraySlice<UInt8>) throws(RequestError) {
        let parts = line.split(separator: Octet.space, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(\.isTokenCharacter), !parts[1].isEmpty else {
            throw .malformedRequestLine
        }
        version = try Self.version(parts[2])
        target = try RequestTarget.parse(parts[1], method: parts[0])
        method = parts[0].text
    }

    /// "HTTP/" DIGIT "." DIGIT, upper case; of these 1.0 and 1.1 (RFC 9112 section 2.3).
    private static func version(_ bytes: ArraySlice<UInt8>) throws(RequestError) -> HTTPVersion {
        let digits = bytes.dropFirst(5)
        guard bytes.prefix(5).elementsEqual("HTTP/".utf8), digits.count == 3, let major = digits.first, major.isDigit,
            digits[digits.startIndex + 1] == Octet.dot, let minor = digits.last, minor.isDigit
        else { throw .malformedRequestLine }
        if digits.elementsEqual("1.1".utf8) { return .http11 }
        if digits.elementsEqual("1.0".utf8) { return .http10 }
        throw .unsupportedVersion
    }

    mutating func add(fieldLine line: ArraySlice<UInt8>, limits: RequestLimits) throws(RequestError) {
        fieldBytes += line.count + 2
        guard fieldBytes <= limits.fieldBytes else { throw .fieldsTooLarge(limitBytes: limits.fieldBytes) }
        guard fields.count < limits.fieldCount else { throw .tooManyFields(limit: limits.fieldCount) }
        let (name, value) = try FieldLine.parse(line)
        fields.append(name: name, value: value)
    }

    /// Bytes that further field lines may have.
    func remainingFieldBytes(limits: RequestLimits) -> Int { max(0, limits.fieldBytes - fieldBytes) }

    /// The head, once the empty line has come.
    func finish(limits: RequestLimits) throws(RequestError) -> RequestHead {
        try checkHost()
        let framing = try framing(limits: limits)
        return RequestHead(
            method: method, target: target, version: version, fields: fields, framing: framing,
            keepsAlive: keepsAlive(), expectsContinue: try expectsContinue())
    }

    /// One valid `Host` in HTTP/1.1, at most one in HTTP/1.0.
    private func checkHost() throws(RequestError) {
        let hosts = fields.all("host")
        guard hosts.count <= 1 else { throw .repeatedHost }
        guard let host = hosts.first else {
            if version == .http11 { throw .missingHost }
            return
        }
        guard Host.isValid(host) else { throw .invalidHost }
    }

    /// Anything ambiguous is refused: two readers who disagree on where a body ends see different requests.
    private func framing(limits: RequestLimits) throws(RequestError) -> BodyFraming {
        let codings = fields.all("transfer-encoding")
        let lengths = fields.all("content-length")
        if !codings.isEmpty {
            guard version == .http11 else { throw .transferEncodingInHTTP10 }
            guard lengths.isEmpty else { throw .lengthWithTransferEncoding }
            let names = codings.flatMap {
                $0.split(separator: Octet.comma, omittingEmptySubsequences: false).map(\.trimmingBlanks)
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
        guard let bytes = Self.decimal(length) else { throw .invalidContentLength }
        guard bytes <= limits.bodyBytes else { throw .bodyTooLarge(limitBytes: limits.bodyBytes) }
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
        let options = fields.all("connection").flatMap { $0.split(separator: Octet.comma).map(\.trimmingBlanks) }
        if options.contains(where: { $0.equalsIgnoringCase("close") }) { return false }
        return version == .http11 || options.contains { $0.equalsIgnoringCase("keep-alive") }
    }

    /// HTTP/1.0 clients cannot read an interim response: for them the field means nothing (RFC 9110 10.1.1).
    private func expectsContinue() throws(RequestError) -> Bool {
        guard version == .http11 else { return false }
        let expectations = fields.all("expect")
        for value in expectations where !value.equalsIgnoringCase("100-continue") { throw .unknownExpectation }
        return !expectations.isEmpty
    }
}
