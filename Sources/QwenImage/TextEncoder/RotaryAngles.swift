import Foundation
import TensorCore

/// Cosines and sines of rotary angles, a row a token and a column a pair, before they go to the device.
struct RotaryAngles: Sendable, Equatable {
    /// Pairs of a head.
    let pairCount: Int
    private(set) var cosines: [Float] = []
    private(set) var sines: [Float] = []

    /// Room for `capacity` tokens.
    init(pairCount: Int, capacity: Int) {
        self.pairCount = pairCount
        cosines.reserveCapacity(capacity * pairCount)
        sines.reserveCapacity(capacity * pairCount)
    }

    /// Appends the next pair of the token that is being filled. The product is rounded to float32 first, as torch does.
    mutating func append(position: Int, frequency: Float) {
        let angle = Float(position) * frequency
        cosines.append(cos(angle))
        sines.append(sin(angle))
    }

    /// The tables on a backend, for `rotate_half`.
    func upload(to backend: any Backend) throws(TensorError) -> Rotary {
        let shape: Shape = [cosines.count / pairCount, pairCount]
        return Rotary(
            cosines: try backend.upload(cosines, shape), sines: try backend.upload(sines, shape), pairing: .halves)
    }

    /// `1 / theta^(2i / dimension)` for each i below half of the dimension, in float32 throughout.
    static func inverseFrequencies(theta: Double, dimension: Int) -> [Float] {
        (0..<(dimension / 2)).map { index in
            1 / pow(Float(theta), Float(2 * index) / Float(dimension))
        }
    }
}

extension Rotary {
    /// The angles of the tokens `range`.
    func rows(_ range: Range<Int>) -> Rotary {
        Rotary(cosines: cosines.rows(range), sines: sines.rows(range), pairing: pairing)
    }
}
