import Glibc

/// The fixed-point weights of one axis: for each place of the result, which source pixels count and how much.
///
/// Source: Pillow 13 `src/libImaging/Resample.c` (`precompute_coeffs`, `normalize_coeffs_8bpc`), and for torch
/// `aten/src/ATen/native/cpu/UpSampleKernel.cpp` (`_compute_index_ranges_int16_weights`).
struct ResampleWeights {
    /// First source index of each result place.
    var starts: [Int]
    /// Number of source places of each result place.
    var counts: [Int]
    /// `stride` weights for each result place, scaled by `1 << precision`.
    var weights: [Int32]
    /// Weights a result place has room for.
    let stride: Int
    /// Fractional bits of a weight.
    let precision: Int32

    /// Fractional bits of Pillow's weights: 32 less 8 for the pixel and 2 for sums outside 0...1.
    static let pillowPrecision: Int32 = 22

    /// The weights to bring `inputSize` pixels to `outputSize`; both at least 1.
    init(inputSize: Int, outputSize: Int, filter: ResampleFilter) {
        let scale = Double(inputSize) / Double(outputSize)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        let inverse = 1 / filterScale
        stride = Int(support.rounded(.up)) * 2 + 1
        starts = [Int](repeating: 0, count: outputSize)
        counts = [Int](repeating: 0, count: outputSize)
        var exact = [Double](repeating: 0, count: outputSize * stride)
        for place in 0..<outputSize {
            let center = (Double(place) + 0.5) * scale
            // Int(_:) cuts towards zero, as C does; a negative bound becomes 0 either way.
            let start = max(0, Int(center - support + 0.5))
            // Rounding can give one place more than there is room for; torch clips it, for Pillow it never happens.
            let count = min(max(0, min(inputSize, Int(center + support + 0.5)) - start), stride)
            var sum = 0.0
            for index in 0..<count {
                let weight = filter.value(at: (Double(index + start) - center + 0.5) * inverse)
                exact[place * stride + index] = weight
                sum += weight
            }
            if sum != 0 {
                for index in 0..<count { exact[place * stride + index] /= sum }
            }
            starts[place] = start
            counts[place] = count
        }
        let precision = filter == .torchAntialiasedBicubic ? Self.torchPrecision(exact) : Self.pillowPrecision
        self.precision = precision
        let unit = Double(Int32(1) << precision)
        weights = exact.map { Int32($0 < 0 ? $0 * unit - 0.5 : $0 * unit + 0.5) }
    }

    /// The most bits, up to 22, with which the largest weight still fits 16 bits.
    private static func torchPrecision(_ weights: [Double]) -> Int32 {
        let largest = weights.reduce(0, max)
        var precision: Int32 = 0
        while precision < pillowPrecision {
            if Int(0.5 + largest * Double(Int32(1) << (precision + 1))) >= 1 << 15 { break }
            precision += 1
        }
        return precision
    }
}

extension ResampleFilter {
    /// The filter's value at a distance, in filter units.
    fileprivate func value(at distance: Double) -> Double {
        switch self {
        case .lanczos:
            return distance >= -3 && distance < 3 ? Self.sinc(distance) * Self.sinc(distance / 3) : 0
        case .bicubic, .torchAntialiasedBicubic:
            // The order of operations is Pillow's: another one rounds differently.
            let a = -0.5
            let x = abs(distance)
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        }
    }

    private static func sinc(_ x: Double) -> Double {
        if x == 0 { return 1 }
        let angle = x * Double.pi
        return sin(angle) / angle
    }
}
