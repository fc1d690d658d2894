import ImageCodecs
import Jobs

extension LayerService {
    /// What the service puts up with, and for whom.
    public struct Configuration: Sendable {
        /// The limits of jobs; those of one client are for clients whose keys do not say otherwise.
        public var jobs = JobConfiguration()
        /// Pixels of a picture before it is decoded.
        public var maximumPixels = DecodeOptions.defaultMaximumPixels
        /// The largest body, which the transport sees to; told to clients.
        public var uploadBytes = 64 << 20
        /// Keys of clients; without any, everybody may do everything.
        public var keys = KeyRing()
        /// Web pages of these origins may use the service; `*` for all.
        public var corsOrigins: [String] = []
        /// True if `/metrics` asks for a key too.
        public var metricsNeedKey = false
        /// True if the transport speaks TLS; told to clients.
        public var servesTLS = false
        /// What `/version` says.
        public var version = "0.1.0"
        /// Seconds without an event after which a comment keeps a stream of events open.
        public var eventCommentSeconds = 15.0

        /// The values that each property has by default.
        public init() {}
    }
}
