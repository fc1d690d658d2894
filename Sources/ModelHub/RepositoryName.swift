/// A repository of a hub: `Qwen/Qwen-Image-Layered`.
public struct RepositoryName: Sendable, Hashable, CustomStringConvertible {
    /// The published model.
    public static let published = RepositoryName(owner: "Qwen", name: "Qwen-Image-Layered")

    private static let longestPart = 96

    /// Whose it is, and what it is called.
    public let owner, name: String

    private init(owner: String, name: String) {
        self.owner = owner
        self.name = name
    }

    /// Takes `owner/name`, or the address of its page. Throws `badName` for anything else.
    public init(_ text: String) throws(HubError) {
        var rest = Substring(text)
        let isAddress = ["https://", "http://"].contains { text.hasPrefix($0) }
        if isAddress {
            // The scheme, nothing, the host; behind the name may follow what the page shows: `/tree/main`.
            let parts = text.split(separator: "/", maxSplits: 5, omittingEmptySubsequences: false)
            guard parts.count >= 5 else { throw Self.refused(text) }
            rest = Substring(parts[3...4].joined(separator: "/"))
        }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy(Self.isPart) else { throw Self.refused(text) }
        self.init(owner: String(parts[0]), name: String(parts[1]))
    }

    public var description: String { "\(owner)/\(name)" }

    /// Letters, digits, `-`, `_` and `.`, which must neither begin nor end it; so it is a folder's name as well.
    private static func isPart(_ part: Substring) -> Bool {
        guard let first = part.utf8.first, let last = part.utf8.last, part.utf8.count <= longestPart else {
            return false
        }
        let marks: [UInt8] = [UInt8(ascii: "-"), UInt8(ascii: ".")]
        guard !marks.contains(first), !marks.contains(last), !part.contains(".."), !part.contains("--") else {
            return false
        }
        return part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: marks.contains(byte) || byte == UInt8(ascii: "_")
            }
        }
    }

    private static func refused(_ text: String) -> HubError {
        .badName(text, expected: "a repository is OWNER/NAME, such as \(published)")
    }
}
