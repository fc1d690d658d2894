/// The generator MT19937 of Matsumoto and Nishimura, seeded as torch seeds it (`ATen/core/MT19937RNGEngine.h`).
struct MersenneTwister: Sendable {
    private static let size = 624
    private static let shift = 397

    private var state: [UInt32]
    private var position = Self.size

    /// Seeds the generator; torch uses the low 32 bits of a seed alone.
    init(seed: UInt64) {
        var word = UInt32(truncatingIfNeeded: seed)
        state = [word]
        state.reserveCapacity(Self.size)
        for index in 1..<UInt32(Self.size) {
            word = 1_812_433_253 &* (word ^ (word >> 30)) &+ index
            state.append(word)
        }
    }

    /// The next 32 bits.
    mutating func next() -> UInt32 {
        if position == Self.size { refill() }
        var word = state[position]
        position += 1
        word ^= word >> 11
        word ^= (word << 7) & 0x9D2C_5680
        word ^= (word << 15) & 0xEFC6_0000
        return word ^ (word >> 18)
    }

    /// The next 64 bits: two draws, the first one high.
    mutating func next64() -> UInt64 {
        let high = UInt64(next())
        return high << 32 | UInt64(next())
    }

    private mutating func refill() {
        for index in 0..<Self.size {
            let following = state[index + 1 < Self.size ? index + 1 : 0]
            let mixed = (state[index] & 0x8000_0000) | (following & 0x7FFF_FFFF)
            let far = index + Self.shift
            let twisted = state[far < Self.size ? far : far - Self.size] ^ (mixed >> 1)
            state[index] = following & 1 == 0 ? twisted : twisted ^ 0x9908_B0DF
        }
        position = 0
    }
}
