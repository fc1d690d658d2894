/// Whether the autoencoder takes pictures in tiles: less memory, more arithmetic, and seams that are blended.
public enum VAETiling: String, Sendable, Hashable, CaseIterable {
    /// In tiles where the whole picture does not fit the budget.
    case auto
    /// Always, where the picture is larger than a tile.
    case on
    /// Never.
    case off
}
