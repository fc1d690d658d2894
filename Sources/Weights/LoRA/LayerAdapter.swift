/// What one LoRA adds to the weight of a linear layer, by the names that a source has for its two matrices below the
/// layer's place.
public struct LayerAdapter: Sendable, Hashable {
    /// Of the matrix [rank, inFeatures], and of [outFeatures, rank].
    public let down: String
    public let up: String
    public let rank: Int
    /// What the product of the two is multiplied by: the LoRA's own scale times the weight that it was given.
    public let scale: Float

    /// Names of two matrices that the source gives.
    public init(down: String, up: String, rank: Int, scale: Float) {
        self.down = down
        self.up = up
        self.rank = rank
        self.scale = scale
    }
}
