/// One part of a `multipart/form-data` body (RFC 7578).
public struct MultipartPart: Sendable {
    /// The field's name.
    public let name: String
    /// What the client calls the file; never to be used as a path.
    public let fileName: String?
    /// The part's `Content-Type`, if it has one that can be read.
    public let mediaType: MediaType?
    /// Its bytes, a slice of the whole body.
    public let content: ArraySlice<UInt8>
}
