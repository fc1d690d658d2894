/// Memory that the encoder of one PNG leaves to the next one of the same size.
public struct PNGWorkspace: Sendable {
    /// Filtered rows.
    var filtered: [UInt8] = []

    /// Nothing yet.
    public init() {}
}
