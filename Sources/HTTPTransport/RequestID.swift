import HTTPProtocol

/// What tells one request apart in answers and logs, made into text only where that is needed.
enum RequestID {
    /// The client's own `X-Request-Id`.
    case given(String)
    /// One of ours: the server's prefix and a number.
    case made(prefix: String, number: UInt64)

    private static let largestBytes = 64

    /// `X-Request-Id` if it is safe to repeat in answers and logs, else nil.
    init?(_ head: RequestHead) {
        guard let given = head.fields.first("x-request-id"), (1...Self.largestBytes).contains(given.count),
            given.allSatisfy(Self.isSafe)
        else { return nil }
        self = .given(String(decoding: given, as: UTF8.self))
    }

    var text: String {
        switch self {
        case .given(let text): text
        case .made(let prefix, let number): "\(prefix)-\(number)"
        }
    }

    /// Writes the field, the last of a head, and the empty line after it.
    func appendField(to output: inout [UInt8]) {
        output.append(contentsOf: "X-Request-Id: ".utf8)
        switch self {
        case .given(let text): output.append(contentsOf: text.utf8)
        case .made(let prefix, let number):
            output.append(contentsOf: prefix.utf8)
            output.append(UInt8(ascii: "-"))
            output.appendDecimal(Int(truncatingIfNeeded: number))
        }
        output.append(contentsOf: "\r\n\r\n".utf8)
    }

    /// Letters, digits, "-", "." and "_".
    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}
