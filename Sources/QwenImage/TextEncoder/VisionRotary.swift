/// The angles of the vision tower: half of a head's pairs turn with the row of the patch, half with its column.
///
/// Source: transformers 5.23, `Qwen2_5_VLVisionRotaryEmbedding` and `vision_utils.get_vision_position_ids`.
enum VisionRotary {
    /// A row for each patch, in window order; within a merged token its patches are in raster order.
    static func angles(
        grid: PatchGrid, layout: WindowLayout, configuration: Qwen25VLVisionConfiguration
    ) -> RotaryAngles {
        let frequencies = RotaryAngles.inverseFrequencies(
            theta: configuration.ropeTheta, dimension: configuration.headSize / 2)
        var angles = RotaryAngles(pairCount: configuration.headSize / 2, capacity: grid.patchCount)
        for token in layout.windowIndex {
            let top = Int(token) / grid.mergedWidth * grid.mergeSize
            let left = Int(token) % grid.mergedWidth * grid.mergeSize
            for row in top..<(top + grid.mergeSize) {
                for column in left..<(left + grid.mergeSize) {
                    for frequency in frequencies { angles.append(position: row, frequency: frequency) }
                    for frequency in frequencies { angles.append(position: column, frequency: frequency) }
                }
            }
        }
        return angles
    }
}
