/// Whom connections are counted for: an IPv4 address, or the 64-bit network of an IPv6 address, since a client of IPv6
/// has all addresses of its network.
struct PeerAddress: Hashable {
    private let network: UInt64
    private let host: UInt32

    /// `bytes` is an IPv6 address, or an IPv4 address mapped to IPv6 (RFC 4291 section 2.5.5.2).
    init(_ bytes: [UInt8]) {
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        network = isMapped ? 0 : number(0..<8)
        host = isMapped ? UInt32(truncatingIfNeeded: number(12..<16)) : 0
    }
}
