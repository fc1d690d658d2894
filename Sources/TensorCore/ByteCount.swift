/// A number of bytes that prints as people read it: `1.5 GiB`.
public struct ByteCount: Sendable, Hashable, CustomStringConvertible {
    /// The number itself.
    public let bytes: Int

    /// Any number of bytes, 0 or more.
    public init(_ bytes: Int) {
        self.bytes = bytes
    }

    public var description: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        guard unit > 0 else { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
