extension Float {
    /// The nearest bfloat16, ties to even, as a float; for finite values.
    var roundedToBFloat16: Float {
        let bits = bitPattern
        return Float(bitPattern: (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF_0000)
    }
}
