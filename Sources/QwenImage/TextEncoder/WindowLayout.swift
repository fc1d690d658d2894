/// The order in which the vision tower keeps a picture's merged tokens, so that those of one attention window lie side
/// by side.
///
/// Source: transformers 5.23, `vision_utils.py`, `get_vision_window_index`.
struct WindowLayout: Sendable, Equatable {
    /// For each place in window order, the token's place in raster order.
    let windowIndex: [Int32]
    /// For each place in raster order, the token's place in window order.
    let reverseIndex: [Int32]
    /// Where windows begin and end, counted in patches: 0, ..., number of patches.
    let boundaries: [Int]

    /// - Parameter windowTokens: merged tokens along each side of a window, at least 1.
    init(grid: PatchGrid, windowTokens: Int) {
        var windowIndex: [Int32] = []
        windowIndex.reserveCapacity(grid.mergedCount)
        var boundaries = [0]
        // Windows at the right and bottom edge hold what is left; the reference pads them and takes the padding out
        // again.
        for top in stride(from: 0, to: grid.mergedHeight, by: windowTokens) {
            for left in stride(from: 0, to: grid.mergedWidth, by: windowTokens) {
                for row in top..<min(top + windowTokens, grid.mergedHeight) {
                    for column in left..<min(left + windowTokens, grid.mergedWidth) {
                        windowIndex.append(Int32(row * grid.mergedWidth + column))
                    }
                }
                boundaries.append(windowIndex.count * grid.mergeSize * grid.mergeSize)
            }
        }
        var reverseIndex = [Int32](repeating: 0, count: windowIndex.count)
        for (place, token) in windowIndex.enumerated() {
            reverseIndex[Int(token)] = Int32(place)
        }
        self.windowIndex = windowIndex
        self.reverseIndex = reverseIndex
        self.boundaries = boundaries
    }
}
