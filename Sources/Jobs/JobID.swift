/// The name of a job: 128 random bits as 22 characters of `A-Z a-z 0-9 _ -`, so that it stands in a URL and a file
/// name as it is, and cannot be guessed.
public struct JobID: Hashable, Sendable, CustomStringConvertible {
    /// Characters of an id: 128 bits at six a character.
    public static let characterCount = 22

    /// Its spelling.
    public let description: String

    /// A new id from the system's source of randomness.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// A new id from `generator`.
    init(using generator: inout some RandomNumberGenerator) {
        var bits = UInt128(generator.next() as UInt64) << 64 | UInt128(generator.next() as UInt64)
        var characters: [UInt8] = []
        for _ in 0..<Self.characterCount {
            characters.append(Self.alphabet[Int(bits & 63)])
            bits >>= 6
        }
        description = String(decoding: characters, as: UTF8.self)
    }

    /// The id that `text` spells; nil if no id looks like this.
    public init?(_ text: String) {
        let characters = text.utf8
        guard characters.count == Self.characterCount, characters.allSatisfy({ Self.alphabet.contains($0) }) else {
            return nil
        }
        description = text
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".utf8)
}
