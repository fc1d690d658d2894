/// Bytes in, requests out: the receiving half of HTTP/1.1 (RFC 9112) as a state machine without I/O and clock.
///
/// Give it what came with `receive`, then take events with `next` until it says
/// `needsMore`. How the bytes were cut into pieces makes no difference. After an
/// error the parser stays failed, since nobody can tell where a next request begins.
public struct RequestParser: Sendable {
    private enum State: Sendable {
        case requestLine(emptyLines: Int)
        case fields
        case fixedBody(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        case chunkEnd
        case trailers(bytes: Int)
        case complete
        case failed(RequestError)
    }

    private let limits: RequestLimits
    private var state = State.requestLine(emptyLines: 0)
    private var builder: HeadBuilder?
    private var buffer: [UInt8] = []
    /// The first byte that is not used yet.
    private var start = 0
    /// Where the search for a line's end goes on: bytes before it were looked at, so that a line that comes a byte at a
    /// time costs no more than one that comes whole.
    private var scan = 0
    private var bodyBytes = 0
    private var chunkExtensionBytes = 0

    /// A parser at the beginning of a connection.
    public init(limits: RequestLimits = RequestLimits()) {
        self.limits = limits
    }

    /// Bytes received and not used yet.
    public var bufferedByteCount: Int { buffer.count - start }

    /// True between two requests: nothing of a next one has come, but for the empty line that some clients send behind
    /// a body (RFC 9112 section 2.2).
    public var isIdle: Bool {
        if case .requestLine = state { return bufferedByteCount == 0 }
        return false
    }

    /// The head of a request that was refused for the length it declares or for what it expects: it tells how to
    /// answer. Nil after every other error.
    public private(set) var refusedHead: RequestHead?

    /// Takes over bytes from the connection.
    public mutating func receive(_ bytes: ArraySlice<UInt8>) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            scan -= start
            start = 0
        } else if start > Self.compactionBytes {
            buffer.removeSubrange(..<start)
            scan -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    private static let compactionBytes = 16 * 1024
    private static let idleCapacityBytes = 4 * 1024

    /// Gives back a large buffer that is empty; for connections that wait for their next request.
    public mutating func releaseIdleMemory() {
        guard bufferedByteCount == 0, buffer.capacity > Self.idleCapacityBytes else { return }
        buffer = []
        start = 0
        scan = 0
    }

    /// The next event; throws the same error again once it has thrown.
    public mutating func next() throws(RequestError) -> RequestEvent {
        if case .failed(let error) = state { throw error }
        do {
            return try advance()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func advance() throws(RequestError) -> RequestEvent {
        while true {
            switch state {
            case .requestLine(let emptyLines):
                guard try takeRequestLine(emptyLines: emptyLines) else { return .needsMore }
            case .fields:
                guard let head = try takeFields() else { return .needsMore }
                return .head(head)
            case .fixedBody(let remaining):
                guard let slice = takeBytes(atMost: remaining) else { return .needsMore }
                state = remaining == slice.count ? .complete : .fixedBody(remaining: remaining - slice.count)
                return .body(slice)
            case .chunkSize:
                guard let size = try takeChunkSize() else { return .needsMore }
                state = size == 0 ? .trailers(bytes: 0) : .chunkData(remaining: size)
            case .chunkData(let remaining):
                guard let slice = takeBytes(atMost: remaining) else { return .needsMore }
                state = remaining == slice.count ? .chunkEnd : .chunkData(remaining: remaining - slice.count)
                return .body(slice)
            case .chunkEnd:
                guard try takeChunkEnd() else { return .needsMore }
                state = .chunkSize
            case .trailers(let bytes):
                guard try takeTrailers(bytes: bytes) else { return .needsMore }
                state = .complete
            case .complete:
                state = .requestLine(emptyLines: 0)
                return .end
            case .failed(let error):
                throw error
            }
        }
    }

    // MARK: Head

    /// False if the line is not complete.
    private mutating func takeRequestLine(emptyLines: Int) throws(RequestError) -> Bool {
        let limit = limits.requestLineBytes
        guard let line = try takeLine(limit: limit, tooLong: .requestLineTooLong(limitBytes: limit)) else {
            return false
        }
        if line.isEmpty {
            guard emptyLines < limits.leadingEmptyLines else { throw .malformedRequestLine }
            state = .requestLine(emptyLines: emptyLines + 1)
        } else {
            builder = try HeadBuilder(buffer.span, requestLine: line)
            state = .fields
        }
        return true
    }

    /// The head if the empty line has come.
    private mutating func takeFields() throws(RequestError) -> RequestHead? {
        guard var collected = builder.take() else { return nil }
        let tooLong = RequestError.fieldsTooLarge(limitBytes: limits.fieldBytes)
        while let line = try takeLine(limit: collected.remainingFieldBytes(limits: limits), tooLong: tooLong) {
            if !line.isEmpty {
                try collected.add(buffer.span, fieldLine: line, limits: limits)
                continue
            }
            let head = try collected.finish()
            if collected.hasUnknownExpectation {
                refusedHead = head
                throw .unknownExpectation
            }
            if case .length(let count) = head.framing, count > limits.bodyBytes {
                refusedHead = head
                throw .bodyTooLarge(limitBytes: limits.bodyBytes)
            }
            bodyBytes = 0
            chunkExtensionBytes = 0
            switch head.framing {
            case .none, .length(0): state = .complete
            case .length(let count): state = .fixedBody(remaining: count)
            case .chunked: state = .chunkSize
            }
            return head
        }
        builder = collected
        return nil
    }

    /// The next line without its CRLF, or nil if it is not complete; at most `limit` bytes long.
    private mutating func takeLine(limit: Int, tooLong: RequestError) throws(RequestError) -> Range<Int>? {
        guard let lineFeed = try Self.lineFeed(buffer.span, start: start, from: scan, limit: limit, tooLong) else {
            scan = buffer.count
            return nil
        }
        defer {
            start = lineFeed + 1
            scan = start
        }
        return start..<(lineFeed - 1)
    }

    /// Where the line from `start` on ends, or nil; bytes before `scan` were looked at.
    private static func lineFeed(
        _ bytes: Span<UInt8>, start: Int, from scan: Int, limit: Int, _ tooLong: RequestError
    ) throws(RequestError) -> Int? {
        // A line that keeps the limit has its CR here at the latest.
        let last = limit < bytes.count - start ? start + limit : bytes.count
        var position = scan
        var followsReturn = position > start && bytes[position - 1] == Octet.carriageReturn
        while position < bytes.count {
            let byte = bytes[position]
            if byte == Octet.lineFeed {
                guard followsReturn else { throw .bareLineFeed }
                return position
            }
            if followsReturn { throw .bareCarriageReturn }
            followsReturn = byte == Octet.carriageReturn
            guard position < last || (position == last && followsReturn) else { throw tooLong }
            position += 1
        }
        return nil
    }

    // MARK: Body

    /// Between one byte and `count` bytes, or nil if there are none.
    private mutating func takeBytes(atMost count: Int) -> ArraySlice<UInt8>? {
        let taken = min(count, bufferedByteCount)
        guard taken > 0 else { return nil }
        let slice = buffer[start..<(start + taken)]
        start += taken
        scan = start
        return slice
    }

    /// The size of the next chunk (RFC 9112 section 7.1), or nil if its line is not complete.
    private mutating func takeChunkSize() throws(RequestError) -> Int? {
        guard let line = try takeLine(limit: limits.chunkLineBytes, tooLong: .invalidChunkSize) else { return nil }
        var rest = buffer[line]
        var digits = 0
        var value: UInt64 = 0
        while let digit = rest.first?.hexValue {
            digits += 1
            guard digits <= Self.chunkSizeDigits else { throw .invalidChunkSize }
            value = value << 4 | UInt64(digit)
            rest.removeFirst()
        }
        guard digits > 0, let size = Int(exactly: value) else { throw .invalidChunkSize }
        guard Self.areExtensions(rest) else { throw .invalidChunkSize }
        chunkExtensionBytes += rest.count
        if chunkExtensionBytes > limits.chunkExtensionBytes { throw .chunkExtensionsTooLarge }
        guard size <= limits.bodyBytes - bodyBytes else { throw .bodyTooLarge(limitBytes: limits.bodyBytes) }
        bodyBytes += size
        return size
    }

    /// `*( BWS ";" BWS name [ BWS "=" BWS value ] )` up to the end (RFC 9112 section 7.1.1).
    private static func areExtensions(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.allSatisfy(\.isFieldValueCharacter) else { return false }
        var scanner = FieldScanner(bytes)
        while !scanner.isAtEnd {
            scanner.skipBlanks()
            guard scanner.take(Octet.semicolon) else { return false }
            scanner.skipBlanks()
            guard scanner.token() != nil else { return false }
            var value = scanner
            value.skipBlanks()
            guard value.take(Octet.equals) else { continue }
            value.skipBlanks()
            guard value.token() != nil || value.quotedString(.anyByte) != nil else { return false }
            scanner = value
        }
        return true
    }

    /// As many as 64 bits have; leading zeros count, so that the loop over them is bounded.
    private static let chunkSizeDigits = 16

    /// False if CRLF has not come yet.
    private mutating func takeChunkEnd() throws(RequestError) -> Bool {
        guard bufferedByteCount >= 1 else { return false }
        guard buffer[start] == Octet.carriageReturn else { throw .invalidChunkEnd }
        guard bufferedByteCount >= 2 else { return false }
        guard buffer[start + 1] == Octet.lineFeed else { throw .invalidChunkEnd }
        start += 2
        scan = start
        return true
    }

    /// Reads and drops trailer fields; merged into the head they could overwrite what decisions were based on.
    private mutating func takeTrailers(bytes: Int) throws(RequestError) -> Bool {
        var total = bytes
        let tooLong = RequestError.trailersTooLarge(limitBytes: limits.trailerBytes)
        while let line = try takeLine(limit: max(0, limits.trailerBytes - total), tooLong: tooLong) {
            if line.isEmpty { return true }
            _ = try FieldLine.parse(buffer[line])
            total += line.count + 2
            if total > limits.trailerBytes { throw tooLong }
        }
        state = .trailers(bytes: total)
        return false
    }
}
