/// Box-Muller on float32 as torch computes it on a processor with AVX2, bit for bit.
///
/// torch takes logarithm, sine and cosine from polynomials of the Cephes library (`ATen/native/cpu/avx_mathfun.h`,
/// after Julien Pommier's sse_mathfun), and its compiler joins products with the sums that follow. Both show in the
/// last bits, so each `fused` below stands where the compiler makes a fused operation of that header, and each plain
/// product and sum where it makes none. Arguments are what the generator can give: no denormals, no negatives.
enum BoxMullerBlock {
    /// Two normals from two uniforms of [0, 1): the cosine's for the first place, the sine's eight places behind it.
    static func normals(_ first: Float, _ second: Float) -> (cosine: Float, sine: Float) {
        let radius = (-2 * logarithm(1 - first)).squareRoot()
        let (sine, cosine) = sineAndCosine(Float(2 * Double.pi) * second)
        // The sum turns a negative zero positive, as torch's `+ mean` does.
        return (radius * cosine + 0, radius * sine + 0)
    }

    /// Natural logarithm of a value of (0, 1].
    private static func logarithm(_ value: Float) -> Float {
        let mantissa = Float(bitPattern: (value.bitPattern & 0x807F_FFFF) | 0x3F00_0000)
        var exponent = Float(Int32(value.bitPattern >> 23) - 126)
        var x = mantissa - 1
        if mantissa < 0.707_106_781_186_547_524 {
            exponent -= 1
            x += mantissa
        }
        let z = x * x
        var y: Float = 7.037_683_629_2e-2
        y = fused(y, x, -1.151_461_031_0e-1)
        y = fused(y, x, 1.167_699_874_0e-1)
        y = fused(y, x, -1.242_014_084_6e-1)
        y = fused(y, x, 1.424_932_278_7e-1)
        y = fused(y, x, -1.666_805_766_5e-1)
        y = fused(y, x, 2.000_071_476_5e-1)
        y = fused(y, x, -2.499_999_399_3e-1)
        y = fused(y, x, 3.333_333_117_4e-1)
        y = fused(x * y, z, exponent * -2.121_944_40e-4)
        y = fused(z, -0.5, y)
        return fused(exponent, 0.693_359_375, x + y)
    }

    /// Sine and cosine of an angle of [0, 2 pi).
    private static func sineAndCosine(_ angle: Float) -> (sine: Float, cosine: Float) {
        // The octant, rounded up to an even number; `angle` becomes the distance from it, in three steps for precision.
        let octant = (Int32(angle * 1.273_239_544_735_16) + 1) & ~1
        let turns = Float(octant)
        var x = fused(turns, -0.785_156_25, angle)
        x = fused(turns, -2.418_756_484_985_351_562_5e-4, x)
        x = fused(turns, -3.774_894_977_445_941_08e-8, x)
        let z = x * x

        var even: Float = 2.443_315_711_809_948e-5
        even = fused(even, z, -1.388_731_625_493_765e-3)
        even = fused(even, z, 4.166_664_568_298_827e-2)
        even = fused(z * even, z, -(z * 0.5)) + 1

        var odd: Float = -1.951_529_589_1e-4
        odd = fused(odd, z, 8.332_160_873_6e-3)
        odd = fused(odd, z, -1.666_665_461_1e-1)
        odd = fused(z * odd, x, x)

        let swapped = octant & 2 != 0
        let sine = (swapped ? even : odd) + 0
        let cosine = (swapped ? odd : even) + 0
        return (octant & 4 == 0 ? sine : -sine, (octant &- 2) & 4 == 0 ? -cosine : cosine)
    }

    /// `left * right + addend`, rounded once.
    ///
    /// The product is exact in float64, and the sum rounded twice, to float64 and to float32, is the sum rounded once
    /// unless the first rounding ends half way between two floats. `addingProduct` alone is right too, but without an
    /// instruction for it in the baseline of x86-64 it is a call, and the whole takes half as long again.
    @inline(__always)
    private static func fused(_ left: Float, _ right: Float, _ addend: Float) -> Float {
        let sum = Double(left) * Double(right) + Double(addend)
        if sum.bitPattern & 0x1FFF_FFFF != 0x1000_0000 { return Float(sum) }
        return addend.addingProduct(left, right)
    }
}
