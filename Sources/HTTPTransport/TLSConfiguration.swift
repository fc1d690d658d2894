/// The files that make a server speak TLS 1.2 and 1.3.
public struct TLSConfiguration: Sendable, Equatable {
    /// PEM: the server's certificate, then those between it and the root.
    public var certificateFile: String
    /// PEM: the key of that certificate, without a pass phrase.
    public var keyFile: String

    /// A configuration of these two files.
    public init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    /// Reads the files as a server would; throws `TransportError.certificate` if they cannot be used.
    public func check() throws(TransportError) { _ = try TLSContext(self) }
}
