/// Uniform values from a seed (SplitMix64), the same on every machine and in every run.
struct SeededValues {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// The next 64 random bits.
    mutating func nextBits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }

    /// The next value in -1 ..< 1, a multiple of 2^-23.
    mutating func next() -> Float {
        Float(nextBits() >> 40) * 0x1p-23 - 1
    }

    /// `count` values in `center - amplitude ..< center + amplitude`.
    static func uniform(_ count: Int, seed: UInt64, amplitude: Float = 1, center: Float = 0) -> [Float] {
        var source = SeededValues(seed: seed)
        return (0..<count).map { _ in center + amplitude * source.next() }
    }

    /// A seed from a title, so that each case has numbers of its
    /// own that do not change with its place in a list (FNV-1a).
    static func seed(of title: String) -> UInt64 {
        title.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
