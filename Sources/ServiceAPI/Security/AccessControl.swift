import HTTPProtocol
import Jobs
import Synchronization

/// Who may do what.
public final class AccessControl: Sendable {
    /// Somebody who may use the service.
    struct Client: Sendable {
        /// Jobs belong to it.
        let name: String
        let limits: JobClientLimits
        let highestPriority: JobPriority
    }

    /// The longest key that is looked at, in bytes.
    private static let longestKeyBytes = 512

    private let ring: Mutex<KeyRing>
    private let usualLimits: JobClientLimits

    /// Starts with these keys; without any, everybody is the client "anonymous". `limits` are for clients whose keys do
    /// not say otherwise.
    public init(_ ring: KeyRing, limits: JobClientLimits) {
        self.ring = Mutex(ring)
        usualLimits = limits
    }

    /// Takes these keys instead of those before; jobs of a client whose key is gone go on.
    public func replace(_ ring: KeyRing) {
        self.ring.withLock { $0 = ring }
    }

    /// Whether there are keys, so that a request must have one.
    var needsKey: Bool { ring.withLock { $0.count > 0 } }

    /// The client that sends `fields`. Throws `unauthorized`.
    func client(_ fields: HeaderFields) throws(ServiceError) -> Client {
        let ring = ring.withLock { $0 }
        guard ring.count > 0 else {
            return Client(name: "anonymous", limits: usualLimits, highestPriority: .high)
        }
        let values = fields.all("authorization")
        guard values.count == 1, let presented = Self.bearer(values[0]) else { throw .unauthorized(hasKey: false) }
        guard presented.count <= Self.longestKeyBytes, let key = ring.key(presented) else {
            throw .unauthorized(hasKey: true)
        }
        return Client(
            name: key.client, limits: limits(key.limits), highestPriority: key.limits.priority ?? .high)
    }

    /// What a client may take by its key, which it does not send just now; of several keys, by the last, the newest.
    func limits(of client: String) -> JobClientLimits {
        limits(ring.withLock { ring in ring.keys.last { $0.client == client }?.limits })
    }

    private func limits(_ own: APIKey.Limits?) -> JobClientLimits {
        JobClientLimits(waiting: own?.waiting ?? usualLimits.waiting, running: own?.running ?? usualLimits.running)
    }

    /// The token of `Bearer <token>` (RFC 6750 section 2.1).
    private static func bearer(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let scheme = Array("bearer ".utf8)
        guard value.count > scheme.count,
            zip(value, scheme).allSatisfy({ ($0 | 0x20) == $1 || $0 == $1 })
        else { return nil }
        return value.dropFirst(scheme.count).drop { $0 == 0x20 }
    }
}
