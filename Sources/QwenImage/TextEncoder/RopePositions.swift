/// Positions of tokens on the three axes of M-RoPE.
struct RopePositions: Sendable, Equatable {
    private(set) var temporal: [Int] = []
    private(set) var height: [Int] = []
    private(set) var width: [Int] = []
    /// Where the next text token stands.
    private(set) var next = 0

    /// Tokens so far.
    var count: Int { temporal.count }

    /// Positions of a text: the same on all axes, one after another.
    init(textCount: Int) {
        appendText(textCount)
    }

    /// Positions of a prompt with one picture in it, whose merged tokens are `imageRange` of `count` tokens.
    ///
    /// Source: transformers 5.23, `Qwen2_5_VLModel.get_rope_index`.
    init(count: Int, imageRange: Range<Int>, grid: PatchGrid) {
        appendText(imageRange.lowerBound)
        appendImage(grid)
        appendText(count - imageRange.upperBound)
    }

    /// Goes on with text.
    mutating func appendText(_ count: Int) {
        for position in next..<(next + count) {
            temporal.append(position)
            height.append(position)
            width.append(position)
        }
        next += count
    }

    /// A still picture stands at one moment; text goes on after its longer side, not after its number of tokens.
    private mutating func appendImage(_ grid: PatchGrid) {
        for row in 0..<grid.mergedHeight {
            for column in 0..<grid.mergedWidth {
                temporal.append(next)
                height.append(next + row)
                width.append(next + column)
            }
        }
        next += max(grid.mergedHeight, grid.mergedWidth)
    }

    /// The angles: the pairs of a head are divided among the axes by `mrope_section`.
    ///
    /// Source: transformers 5.23, `Qwen2_5_VLRotaryEmbedding`.
    func angles(_ configuration: Qwen25VLTextConfiguration) -> RotaryAngles {
        let frequencies = RotaryAngles.inverseFrequencies(
            theta: configuration.ropeTheta, dimension: configuration.headSize)
        let axisOfPair = configuration.mropeSection.enumerated().flatMap { index, pairs in
            [Int](repeating: index % 3, count: pairs)
        }
        let axes = [temporal, height, width]
        var angles = RotaryAngles(pairCount: frequencies.count, capacity: count)
        for token in 0..<count {
            for (axis, frequency) in zip(axisOfPair, frequencies) {
                angles.append(position: axes[axis][token], frequency: frequency)
            }
        }
        return angles
    }
}
