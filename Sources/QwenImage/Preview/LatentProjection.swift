import ImageCodecs

/// A linear map from a latent cell to a pixel's straight RGBA: blurred and pale beside the decoder's picture, and free.
///
/// It is fitted to what the model's own encoder makes of a known picture (`LatentCard`), so that no numbers need to
/// come with a model.
struct LatentProjection: Equatable {
    /// Beyond this many channels no projection is fitted: the work grows with their square.
    static let maximumChannels = 64
    /// Cells for each unknown without which the fit is not worth much.
    private static let cellsPerUnknown = 2
    /// Keeps channels apart that the card does not tell apart; beside the sums of squares of normalised latents.
    private static let ridge = 1e-3

    /// Channels of a latent cell.
    let channels: Int
    /// [channels + 1, 4] row-major: the last row is what a cell of zeros shows.
    private let coefficients: [Float]

    /// True if a card of so many cells determines a projection.
    static func isDetermined(cells: Int, channels: Int) -> Bool {
        channels <= maximumChannels && cells >= cellsPerUnknown * (channels + 1)
    }

    /// The map with the least squared error; nil if the cells do not determine it.
    ///
    /// - Parameters:
    ///   - latent: [cells, channels] row-major.
    ///   - colors: what each cell shows, straight RGBA, 0...1.
    init?(latent: [Float], colors: [SIMD4<Float>], channels: Int) {
        guard channels > 0, latent.count == colors.count * channels,
            Self.isDetermined(cells: colors.count, channels: channels)
        else { return nil }
        // Colour counts as far as it is seen; alpha always.
        guard let color = Self.fit(latent, colors, channels, weight: { Double($0.w) }),
            let alpha = Self.fit(latent, colors, channels, weight: { _ in 1 })
        else { return nil }
        self.channels = channels
        coefficients = zip(color, alpha).flatMap { color, alpha in
            [Float(color.x), Float(color.y), Float(color.z), Float(alpha.w)]
        }
        guard coefficients.allSatisfy(\.isFinite) else { return nil }
    }

    /// The tokens of one frame, packed [frameTokens, channels * 4], as a picture of a pixel a cell.
    func pixels(ofTokens tokens: ArraySlice<Float>, _ geometry: LatentGeometry) -> PixelBuffer? {
        let width = 2 * geometry.tokenWidth
        var bytes = [UInt8](repeating: 0, count: geometry.frameTokens * 4 * PixelBuffer.channels)
        for token in 0..<geometry.frameTokens {
            let (y, x) = (token / geometry.tokenWidth * 2, token % geometry.tokenWidth * 2)
            let first = tokens.startIndex + token * geometry.tokenChannels
            // A token holds, for each channel, the four cells of a square of two.
            for cell in 0..<4 {
                var color = coefficient(channels)
                for channel in 0..<channels {
                    color += tokens[first + channel * 4 + cell] * coefficient(channel)
                }
                let scaled = (color * 255).clamped(lowerBound: .zero, upperBound: SIMD4(repeating: 255))
                let target = ((y + cell / 2) * width + x + cell % 2) * PixelBuffer.channels
                for index in 0..<PixelBuffer.channels {
                    bytes[target + index] = scaled[index].isNaN ? 0 : UInt8(scaled[index].rounded())
                }
            }
        }
        return try? PixelBuffer(width: width, height: 2 * geometry.tokenHeight, bytes: bytes)
    }

    private func coefficient(_ row: Int) -> SIMD4<Float> {
        SIMD4(
            coefficients[row * 4], coefficients[row * 4 + 1], coefficients[row * 4 + 2], coefficients[row * 4 + 3])
    }

    /// Weighted least squares by the normal equations; [channels + 1] rows of four.
    private static func fit(
        _ latent: [Float], _ colors: [SIMD4<Float>], _ channels: Int, weight: (SIMD4<Float>) -> Double
    ) -> [SIMD4<Double>]? {
        let unknowns = channels + 1
        var matrix = [Double](repeating: 0, count: unknowns * unknowns)
        var sides = [SIMD4<Double>](repeating: .zero, count: unknowns)
        for (cell, color) in colors.enumerated() {
            let row = latent[(cell * channels)..<((cell + 1) * channels)].map(Double.init) + [1]
            let weight = weight(color)
            for i in 0..<unknowns {
                let weighted = weight * row[i]
                sides[i] += weighted * SIMD4<Double>(color)
                for j in 0...i { matrix[i * unknowns + j] += weighted * row[j] }
            }
        }
        for i in 0..<unknowns { matrix[i * unknowns + i] += ridge }
        return solve(&matrix, sides, unknowns)
    }

    /// Cholesky on the lower triangle; nil if the matrix is not positive definite.
    private static func solve(_ matrix: inout [Double], _ sides: [SIMD4<Double>], _ count: Int) -> [SIMD4<Double>]? {
        var values = sides
        for i in 0..<count {
            for j in 0...i {
                var sum = matrix[i * count + j]
                for k in 0..<j { sum -= matrix[i * count + k] * matrix[j * count + k] }
                if i == j {
                    guard sum > 0 else { return nil }
                    matrix[i * count + i] = sum.squareRoot()
                } else {
                    matrix[i * count + j] = sum / matrix[j * count + j]
                }
            }
            for k in 0..<i { values[i] -= matrix[i * count + k] * values[k] }
            values[i] /= matrix[i * count + i]
        }
        for i in (0..<count).reversed() {
            for k in (i + 1)..<max(count, i + 1) { values[i] -= matrix[k * count + i] * values[k] }
            values[i] /= matrix[i * count + i]
        }
        return values
    }
}
