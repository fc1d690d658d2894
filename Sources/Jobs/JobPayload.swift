import Digests

/// What a client asks for. The jobs never look into it.
public struct JobPayload: Sendable, Equatable {
    /// The largest `metadata`, in bytes of UTF-8.
    public static let metadataByteLimit = 64 * 1024

    /// A short description that comes back in snapshots, such as the parameters as JSON.
    public var metadata: String
    /// The work itself, such as a picture's file.
    public var body: [UInt8]

    /// Creates a payload.
    public init(metadata: String, body: [UInt8]) {
        self.metadata = metadata
        self.body = body
    }

    /// SHA-256 of both parts and where the first ends, so that an idempotency key can tell another payload.
    var digest: [UInt8] {
        var hash = Digest(.sha256)
        let metadata = Array(metadata.utf8)
        hash.update((0..<8).map { UInt8(truncatingIfNeeded: metadata.count >> ($0 * 8)) })
        hash.update(metadata)
        hash.update(body)
        return hash.finalize()
    }
}
