/// The patches of one picture: `image_grid_thw` with one frame.
struct PatchGrid: Sendable, Equatable {
    /// Rows of patches; a multiple of the merge size.
    let height: Int
    /// Patches in a row; a multiple of the merge size.
    let width: Int
    /// Patches along each side of a merged token.
    let mergeSize: Int

    /// Patches in all.
    var patchCount: Int { height * width }
    /// Rows of merged tokens.
    var mergedHeight: Int { height / mergeSize }
    /// Merged tokens in a row.
    var mergedWidth: Int { width / mergeSize }
    /// Merged tokens in all: features of the picture in the language model.
    var mergedCount: Int { mergedHeight * mergedWidth }
}
