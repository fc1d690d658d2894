import Foundation
import TensorCore

/// Rotary positions of text and image tokens on three axes: frame, height, width.
///
/// Layer3D: the frames that are made anew are numbered 0...N, the condition frame is
/// -1. Height and width are centred, so that positions run from -(n - n/2) to n/2 - 1.
/// Text positions go on after the largest image position, the same on all three axes.
/// Source: diffusers `transformer_qwenimage.py`, `QwenEmbedLayer3DRope`
/// (and `QwenEmbedRope`, where the condition is frame N + 1).
struct LayerRotaryEmbedding: Sendable {
    private static let theta: Float = 10000

    let axesDims: [Int]
    let isLayer3D: Bool

    /// Cosines and sines, each [textTokens + imageTokens, headSize / 2] row-major, text first.
    struct Tables {
        var cosines: [Float]
        var sines: [Float]
    }

    /// - Parameters:
    ///   - frames: frames made anew (layers + 1); one condition frame follows them.
    ///   - height: of a frame in tokens.
    ///   - width: of a frame in tokens.
    func tables(textTokens: Int, frames: Int, height: Int, width: Int) -> Tables {
        let pairs = axesDims.reduce(0, +) / 2
        let rows = textTokens + (frames + 1) * height * width
        var tables = Tables(cosines: [], sines: [])
        tables.cosines.reserveCapacity(rows * pairs)
        tables.sines.reserveCapacity(rows * pairs)
        var firstTextPosition = max(height / 2, width / 2)
        if isLayer3D { firstTextPosition = max(firstTextPosition, frames) }
        let textAxes = axesDims.map { AxisTable(dim: $0, positions: (0..<textTokens).map { firstTextPosition + $0 }) }
        for token in 0..<textTokens { append(textAxes.map { ($0, token) }, to: &tables) }

        let framePositions = (0..<frames).map { $0 } + [isLayer3D ? -1 : frames]
        let frameAxis = AxisTable(dim: axesDims[0], positions: framePositions)
        let heightAxis = AxisTable(dim: axesDims[1], positions: Self.centred(height))
        let widthAxis = AxisTable(dim: axesDims[2], positions: Self.centred(width))
        for frame in 0...frames {
            for y in 0..<height {
                for x in 0..<width { append([(frameAxis, frame), (heightAxis, y), (widthAxis, x)], to: &tables) }
            }
        }
        return tables
    }

    /// -(n - n/2) ... n/2 - 1: one more below zero if n is odd.
    private static func centred(_ extent: Int) -> [Int] {
        let negative = extent - extent / 2
        return (0..<extent).map { $0 - negative }
    }

    private func append(_ parts: [(axis: AxisTable, row: Int)], to tables: inout Tables) {
        for (axis, row) in parts {
            let range = (row * axis.pairs)..<((row + 1) * axis.pairs)
            tables.cosines.append(contentsOf: axis.cosines[range])
            tables.sines.append(contentsOf: axis.sines[range])
        }
    }

    /// Angles of one axis: a row a position, a column a frequency.
    private struct AxisTable {
        let pairs: Int
        let cosines: [Float]
        let sines: [Float]

        init(dim: Int, positions: [Int]) {
            pairs = dim / 2
            let frequencies = (0..<dim / 2).map { index in
                1 / pow(LayerRotaryEmbedding.theta, Float(2 * index) / Float(dim))
            }
            // The product is rounded to float32 as in the reference;
            // the functions of it are not where precision is lost.
            let angles = positions.flatMap { position in frequencies.map { Float(position) * $0 } }
            cosines = angles.map { Float(cos(Double($0))) }
            sines = angles.map { Float(sin(Double($0))) }
        }
    }
}
