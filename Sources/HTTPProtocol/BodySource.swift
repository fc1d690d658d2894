/// Bytes of an answer that are read while the client takes them, so that a large answer to a slow client takes little
/// memory.
public protocol BodySource: Sendable {
    /// How many there are, which the answer declares.
    var byteCount: Int { get }
    /// How many of them are in memory until the last one is sent.
    var heldByteCount: Int { get }

    /// Those of `range`, all of them; it lies within `0..<byteCount`. May block. Throws if they cannot be had any more.
    func bytes(_ range: Range<Int>) throws -> [UInt8]
}
