/// One file of a result.
public struct ResultPart: Sendable {
    /// The part's name in multipart bodies.
    public let name: String
    /// Nil for the part that is no file.
    public let fileName: String?
    public let mediaType: String
    public let bytes: [UInt8]

    /// A part of these bytes.
    public init(name: String, fileName: String?, mediaType: String, bytes: [UInt8]) {
        self.name = name
        self.fileName = fileName
        self.mediaType = mediaType
        self.bytes = bytes
    }
}
