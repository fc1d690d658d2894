import COpenSSL

/// A hash of bytes as they come, by OpenSSL.
public struct Digest: ~Copyable {
    /// The hashes that Mica meets.
    public enum Algorithm: Sendable {
        /// What git names its objects by.
        case sha1
        /// FIPS 180-4, section 6.2.
        case sha256

        fileprivate var kind: mica_digest_kind {
            switch self {
            case .sha1: MICA_SHA1
            case .sha256: MICA_SHA256
            }
        }
    }

    /// Room for the longest hash.
    private static let longestBytes = 32
    private let pointer: OpaquePointer

    /// Creates the hash of nothing. Traps where there is no memory for it.
    public init(_ algorithm: Algorithm) {
        guard let made = mica_digest_make(algorithm.kind) else { preconditionFailure("OpenSSL makes no \(algorithm)") }
        pointer = made
    }

    deinit {
        mica_digest_free(pointer)
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Adds bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let isDone = mica_digest_update(pointer, bytes.baseAddress, bytes.count)
        precondition(isDone != 0, "OpenSSL does not hash")
    }

    /// The hash of all that was added, 20 or 32 bytes. Ends it.
    public consuming func finalize() -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: Self.longestBytes)
        let count = mica_digest_finish(pointer, &hash, hash.count)
        precondition(count > 0, "OpenSSL does not hash")
        return Array(hash[..<count])
    }

    /// The SHA-256 of `bytes`: 32 bytes.
    public static func sha256(of bytes: [UInt8]) -> [UInt8] {
        var digest = Digest(.sha256)
        digest.update(bytes)
        return digest.finalize()
    }

    /// Bytes as pairs of small hexadecimal digits.
    public static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
