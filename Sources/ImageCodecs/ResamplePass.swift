/// The two loops of a separable resize, on rows of interleaved 8-bit channels.
///
/// Each result is `clip((sum of pixel * weight + half) >> precision, 0, 255)`, with 32-bit sums as upstream has them.
struct ResamplePass {
    let axis: ResampleWeights
    let channels: Int

    /// Resizes one row: `source` has the input's width, `target` as many pixels as the axis has places.
    func horizontal(from source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
        axis.starts.withUnsafeBufferPointer { starts in
            axis.counts.withUnsafeBufferPointer { counts in
                axis.weights.withUnsafeBufferPointer { weights in
                    guard let weightBase = weights.baseAddress else { return }
                    for place in 0..<starts.count {
                        let pixels = source + starts[place] * channels
                        let rowWeights = weightBase + place * axis.stride
                        let out = target + place * channels
                        if channels == 4 {
                            sum4(pixels, rowWeights, counts[place], out)
                        } else {
                            sum3(pixels, rowWeights, counts[place], out)
                        }
                    }
                }
            }
        }
    }

    /// Makes result row `place` out of the source rows that `row` gives; `sums` has room for `valueCount` values.
    func vertical(
        place: Int, valueCount: Int, sums: UnsafeMutablePointer<Int32>, target: UnsafeMutablePointer<UInt8>,
        row: (Int) -> UnsafePointer<UInt8>
    ) {
        sums.update(repeating: half, count: valueCount)
        for index in 0..<axis.counts[place] {
            let weight = axis.weights[place * axis.stride + index]
            let source = row(axis.starts[place] + index)
            for value in 0..<valueCount {
                sums[value] &+= Int32(truncatingIfNeeded: source[value]) &* weight
            }
        }
        let precision = axis.precision
        for value in 0..<valueCount {
            target[value] = UInt8(truncatingIfNeeded: min(max(sums[value] &>> precision, 0), 255))
        }
    }

    private var half: Int32 { 1 << (axis.precision - 1) }

    @inline(__always)
    private func clipped(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(sum &>> axis.precision, 0), 255))
    }

    @inline(__always)
    private func sum4(
        _ pixels: UnsafePointer<UInt8>, _ weights: UnsafePointer<Int32>, _ count: Int,
        _ out: UnsafeMutablePointer<UInt8>
    ) {
        var sum0 = half
        var sum1 = half
        var sum2 = half
        var sum3 = half
        var pixel = pixels
        for index in 0..<count {
            let weight = weights[index]
            sum0 &+= Int32(truncatingIfNeeded: pixel[0]) &* weight
            sum1 &+= Int32(truncatingIfNeeded: pixel[1]) &* weight
            sum2 &+= Int32(truncatingIfNeeded: pixel[2]) &* weight
            sum3 &+= Int32(truncatingIfNeeded: pixel[3]) &* weight
            pixel += 4
        }
        out[0] = clipped(sum0)
        out[1] = clipped(sum1)
        out[2] = clipped(sum2)
        out[3] = clipped(sum3)
    }

    @inline(__always)
    private func sum3(
        _ pixels: UnsafePointer<UInt8>, _ weights: UnsafePointer<Int32>, _ count: Int,
        _ out: UnsafeMutablePointer<UInt8>
    ) {
        var sum0 = half
        var sum1 = half
        var sum2 = half
        var pixel = pixels
        for index in 0..<count {
            let weight = weights[index]
            sum0 &+= Int32(truncatingIfNeeded: pixel[0]) &* weight
            sum1 &+= Int32(truncatingIfNeeded: pixel[1]) &* weight
            sum2 &+= Int32(truncatingIfNeeded: pixel[2]) &* weight
            pixel += 3
        }
        out[0] = clipped(sum0)
        out[1] = clipped(sum1)
        out[2] = clipped(sum2)
    }
}
