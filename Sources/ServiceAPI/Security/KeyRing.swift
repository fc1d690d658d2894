import Digests

/// All keys that are accepted.
public struct KeyRing: Sendable, Equatable {
    /// More lines than anybody needs.
    private static let largestCount = 10_000

    private(set) var keys: [APIKey] = []

    /// No key: everybody may do everything.
    public init() {}

    /// Adds the keys of a file's text: a line each; empty lines and those that begin with # are skipped.
    ///
    /// `source` is for messages.
    public mutating func add(_ text: String, source: String) throws(SettingsError) {
        try add(text.split(whereSeparator: \.isNewline), source)
    }

    /// Adds the keys of one line, which semicolons divide into those that a file would have.
    public mutating func add(oneLine text: String, source: String) throws(SettingsError) {
        try add(text.split { $0.isNewline || $0 == ";" }, source)
    }

    private mutating func add(_ lines: [Substring], _ source: String) throws(SettingsError) {
        for line in lines {
            let line = line.drop(while: \.isWhitespace)
            guard !line.isEmpty, line.first != "#" else { continue }
            let key = try APIKey(line: line, source: source)
            guard keys.count < Self.largestCount else {
                throw .file(name: source, problem: "has more than \(Self.largestCount) keys")
            }
            keys.append(key)
        }
    }

    /// The number of keys.
    public var count: Int { keys.count }

    /// The key that `presented` is, or nil. Takes the same time whichever it is, and whether it is one.
    func key(_ presented: ArraySlice<UInt8>) -> APIKey? {
        let hash = Digest.sha256(of: Array(presented))
        var found = -1
        for (index, key) in keys.enumerated() {
            var difference: UInt8 = 0
            for place in 0..<APIKey.hashByteCount { difference |= hash[place] ^ key.hash[place] }
            // -1 where equal, else 0: no branch on the secret.
            let isEqual = (Int(difference) - 1) >> 8
            found = (index & isEqual) | (found & ~isEqual)
        }
        return found >= 0 ? keys[found] : nil
    }
}
