/// How a PSD is written.
public struct PSDOptions: Sendable, Equatable {
    /// Which of the two formats is written.
    public enum Size: Sendable {
        /// PSD, or PSB for what PSD cannot hold.
        case automatic
        /// PSD, which every program reads: up to 30,000 pixels a side and 2 GB.
        case standard
        /// PSB, Photoshop's format for large documents.
        case large
    }

    /// The longest XMP packet.
    public static let maximumXMPByteCount = 4 << 20

    /// The name of one group around all nodes, nil for none.
    public var groupName: String?
    /// Which of the two formats is written.
    public var size: Size
    /// An XMP packet (`XMPPacket`) to embed, empty for none.
    public var xmp: [UInt8]

    /// Options; no group and no packet unless given, the format by the size.
    public init(groupName: String? = nil, size: Size = .automatic, xmp: [UInt8] = []) {
        self.groupName = groupName
        self.size = size
        self.xmp = xmp
    }
}
