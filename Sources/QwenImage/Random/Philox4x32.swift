/// The counter-based generator Philox 4x32 with ten rounds.
///
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.3.
package enum Philox4x32 {
    private static let rounds = 10
    private static let multipliers: (UInt32, UInt32) = (0xD251_1F53, 0xCD9E_8D57)
    private static let weyl: (UInt32, UInt32) = (0x9E37_79B9, 0xBB67_AE85)

    /// The four words of one counter, low word first, under a key.
    package static func block(counter: SIMD4<UInt32>, key: UInt64) -> SIMD4<UInt32> {
        var words = counter
        var low = UInt32(truncatingIfNeeded: key)
        var high = UInt32(truncatingIfNeeded: key >> 32)
        for _ in 0..<rounds {
            let first = multipliers.0.multipliedFullWidth(by: words.x)
            let second = multipliers.1.multipliedFullWidth(by: words.z)
            words = SIMD4(
                second.high ^ words.y ^ low, second.low,
                first.high ^ words.w ^ high, first.low)
            low &+= weyl.0
            high &+= weyl.1
        }
        return words
    }
}
