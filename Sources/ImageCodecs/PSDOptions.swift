/// How a PSD is written.
public struct PSDOptions: Sendable, Equatable {
    /// The name of one group around all layers, nil for none.
    public var groupName: String?

    /// Options; no group unless named.
    public init(groupName: String? = nil) {
        self.groupName = groupName
    }
}
