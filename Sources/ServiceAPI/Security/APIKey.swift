import Digests
import Jobs

/// A key that clients send, as the service knows it: who it belongs to, and its SHA-256.
///
/// Keys are made by us of 256 random bits, so a fast hash is enough: there is nothing to guess.
public struct APIKey: Sendable, Equatable {
    /// Bytes of a hash.
    static let hashByteCount = 32

    /// Whose key it is; jobs belong to this name, so a key can be replaced without losing them.
    public let client: String
    let hash: [UInt8]
    /// Limits of its own; nil for the usual ones.
    var limits = Limits()

    /// What may be said of one key.
    struct Limits: Sendable, Equatable {
        /// Jobs that wait at the same time.
        var waiting: Int?
        /// Jobs that run at the same time.
        var running: Int?
        /// The highest priority that it may ask for.
        var priority: JobPriority?
    }

    /// Makes a key for `client`: the text for the client, and the line for the file of keys.
    public static func make(client: String) throws(SettingsError) -> (key: String, line: String) {
        guard isName(client) else {
            throw .value(source: "the name", value: client, expected: "1 to 64 of letters, digits, . _ and -")
        }
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let characters = (0..<43).map { _ in alphabet.randomElement(using: &generator) ?? 0x30 }
        let key = "mica_" + String(decoding: characters, as: UTF8.self)
        let hash = Digest.hexadecimal(Digest.sha256(of: Array(key.utf8)))
        return (key, "\(client) sha256:\(hash)")
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }

    /// Reads a line `name sha256:<64 hexadecimal digits> [waiting=N] [running=N] [priority=high|normal|low]`.
    init(line: Substring, source: String) throws(SettingsError) {
        // Not the line itself: somebody may have put a key there.
        func refused(_ expected: String) -> SettingsError { .file(name: source, problem: expected) }
        let words = line.split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, Self.isName(String(words[0])) else {
            throw refused("each line must be 'name sha256:<hash>', with a name of letters, digits, . _ and -")
        }
        client = String(words[0])
        guard words[1].hasPrefix("sha256:"), let hash = Self.bytes(hex: words[1].dropFirst(7)),
            hash.count == Self.hashByteCount
        else {
            throw refused("the line of '\(client)' must have sha256: and 64 hexadecimal digits; `mica key` prints it")
        }
        self.hash = hash
        for word in words.dropFirst(2) {
            let parts = word.split(separator: "=", maxSplits: 1)
            let value = parts.count == 2 ? String(parts[1]) : ""
            let number = ParameterText.isNumber(value) ? Int(value) : nil
            switch (parts[0], number, JobPriority(name: value)) {
            case ("waiting", let number?, _): limits.waiting = number
            case ("running", let number?, _) where number >= 1: limits.running = number
            case ("priority", _, let priority?): limits.priority = priority
            default:
                throw refused(
                    "the line of '\(client)' may end with waiting=N, running=N (1 or more) and"
                        + " priority=high, normal or low")
            }
        }
    }

    private static func bytes(hex: Substring) -> [UInt8]? {
        guard hex.utf8.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in hex {
            guard character.isASCII, let value = character.hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return bytes
    }
}
