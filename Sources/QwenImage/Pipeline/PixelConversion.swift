import ImageCodecs

/// Between 8-bit pixels and the VAE's -1...1.
///
/// Source: diffusers `image_processor.py`, `VaeImageProcessor.preprocess`, `postprocess`.
enum PixelConversion {
    /// [H, W, 4] row-major, `2 * (value / 255) - 1` in float32.
    static func signedFloats(_ picture: PixelBuffer) -> [Float] {
        let table = (0...255).map { 2 * (Float($0) / 255) - 1 }
        return picture.bytes.map { table[Int($0)] }
    }

    /// Clamps decoded values [H, W, 4] and brings them to 0...1.
    static func unitFloats(_ decoded: [Float]) -> [Float] {
        decoded.map { min(max(min(max($0, -1), 1) * 0.5 + 0.5, 0), 1) }
    }

    /// `round(value * 255)`, half to even; NaN, which a broken model may give, becomes 0.
    static func bytes(_ unit: [Float]) -> [UInt8] {
        unit.map { $0.isNaN ? 0 : UInt8(($0 * 255).rounded(.toNearestOrEven)) }
    }
}
