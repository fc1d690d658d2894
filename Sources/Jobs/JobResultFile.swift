/// A file of a result, as the executor makes it.
public struct JobResultFile: Sendable, Equatable {
    /// What a file is, without its bytes.
    public struct Description: Sendable, Equatable {
        /// The file's name.
        public let name: String
        /// What its bytes are, such as `image/png`.
        public let mediaType: String
        /// How long it is.
        public let byteCount: Int

        /// Creates a description.
        public init(name: String, mediaType: String, byteCount: Int) {
            self.name = name
            self.mediaType = mediaType
            self.byteCount = byteCount
        }
    }

    /// The file's name.
    public var name: String
    /// What its bytes are, such as `image/png`.
    public var mediaType: String
    /// All of it.
    public var bytes: [UInt8]

    /// Creates a file.
    public init(name: String, mediaType: String, bytes: [UInt8]) {
        self.name = name
        self.mediaType = mediaType
        self.bytes = bytes
    }

    var about: Description { Description(name: name, mediaType: mediaType, byteCount: bytes.count) }
}
