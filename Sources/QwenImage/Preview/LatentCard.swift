/// A small picture of many colours and alphas that an encoder is shown to learn what its latents mean.
struct LatentCard {
    /// Cells of the card's sides at most: enough for a fit, and a small part of any picture's encoding.
    private static let maximumSide = 16

    /// Cells of a row and of a column.
    let width: Int
    let height: Int
    /// What each cell shows, straight RGBA, 0...1.
    let colors: [SIMD4<Float>]

    /// A card not larger than a picture of so many cells, always the same.
    init(withinWidth width: Int, height: Int) {
        self.width = min(width, Self.maximumSide)
        self.height = min(height, Self.maximumSide)
        var state: UInt32 = 0x2545_F491
        func next() -> Float {
            // Marsaglia's xorshift with 32 bits.
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
            return Float(state >> 8) / Float(1 << 24 - 1)
        }
        // Squares of two cells: a cell's neighbours differ, as they do in pictures, and are not all different.
        let columns = (self.width + 1) / 2
        let squares = (0..<columns * ((self.height + 1) / 2)).map { index in
            // A quarter of them transparent, a quarter anything, the rest opaque.
            let alpha: Float = index % 4 == 0 ? 0 : index % 4 == 2 ? next() : 1
            return SIMD4(next(), next(), next(), alpha)
        }
        colors = (0..<self.width * self.height).map { [width = self.width] cell in
            squares[cell / width / 2 * columns + cell % width / 2]
        }
    }

    /// [height * scale, width * scale, 4] row-major, -1...1: what the encoder takes.
    func signedPixels(scale: Int) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(colors.count * scale * scale * 4)
        for y in 0..<height * scale {
            for x in 0..<width * scale {
                let color = colors[y / scale * width + x / scale] * 2 - 1
                values += [color.x, color.y, color.z, color.w]
            }
        }
        return values
    }
}
