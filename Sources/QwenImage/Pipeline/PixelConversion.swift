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

    /// Decoded values [H, W, 4], clamped, as 8-bit pixels, halves to even; nil if one of them is no number.
    static func pixels(_ decoded: [Float]) -> [UInt8]? {
        guard !decoded.contains(where: \.isNaN) else { return nil }
        return decoded.map { value in
            UInt8((min(max(min(max(value, -1), 1) * 0.5 + 0.5, 0), 1) * 255).rounded(.toNearestOrEven))
        }
    }

    /// Clamps decoded values [H, W, 4] and brings them to 0...1.
    static func unitFloats(_ decoded: [Float]) -> [Float] {
        decoded.map { min(max(min(max($0, -1), 1) * 0.5 + 0.5, 0), 1) }
    }
}
