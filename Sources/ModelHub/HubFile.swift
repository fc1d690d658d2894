import Digests

/// A file of a repository as the hub lists it.
public struct HubFile: Sendable, Hashable {
    /// What its bytes are known by.
    public enum Hash: Sendable, Hashable {
        /// SHA-256 of the bytes (files of Git LFS), in hexadecimal digits.
        case sha256(String)
        /// SHA-1 of git's header and the bytes (files of git itself).
        case gitBlob(String)

        /// The digits.
        public var digits: String {
            switch self {
            case .sha256(let digits), .gitBlob(let digits): digits
            }
        }

        /// The hash of nothing yet of a file of `size` bytes.
        func begin(size: Int) -> Digest {
            switch self {
            case .sha256: return Digest(.sha256)
            case .gitBlob:
                var digest = Digest(.sha1)
                digest.update(Array("blob \(size)\0".utf8))
                return digest
            }
        }

        private var digitCount: Int {
            switch self {
            case .sha256: 64
            case .gitBlob: 40
            }
        }

        /// Whether the digits are as many as they must be, and small hexadecimal ones.
        var isWellFormed: Bool {
            digits.utf8.count == digitCount
                && digits.utf8.allSatisfy {
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
                }
        }
    }

    /// Where it lies in the repository: `transformer/config.json`.
    public let path: String
    /// Its bytes.
    public let size: Int
    /// What they are known by.
    public let hash: Hash

    private static let longestPath = 1024

    /// Throws `badName` for a path that would lie elsewhere than in the repository's folder, or is none.
    init(path: String, size: Int, hash: Hash) throws(HubError) {
        guard Self.isInside(path) else {
            throw .badName(path, expected: "a file's path in a repository has no '..' and begins with no '/'")
        }
        guard size >= 0 else { throw .badName("\(size)", expected: "a file's size is 0 or more") }
        guard hash.isWellFormed else {
            throw .badName(hash.digits, expected: "a file's hash is 64 hexadecimal digits, or git's 40")
        }
        self.path = path
        self.size = size
        self.hash = hash
    }

    private static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.utf8.count <= longestPath, let first = parts.first, first != PullFolder.ownName else { return false }
        return parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
    }
}
