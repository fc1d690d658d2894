/// Layers put over one another: Porter-Duff source-over on straight alpha.
public enum Composite {
    /// The flat picture of a stack, the first layer at the bottom, over nothing.
    ///
    /// Hidden layers are left out; sums are kept in floating point and rounded once at the end, so that many layers are
    /// no less exact than two. Colour under alpha 0 is 0. Throws `ImageError.countOutOfRange` without layers and
    /// `ImageError.layerSizeMismatch` if sizes differ.
    public static func flatten(_ layers: [ImageLayer]) throws(ImageError) -> PixelBuffer {
        try flatten(layers) { $0.straight }
    }

    /// As `flatten`, with the colours over white and the alpha beside them: what PSD calls the merged image.
    static func flattenMattedOnWhite(_ layers: [ImageLayer]) throws(ImageError) -> PixelBuffer {
        try flatten(layers) { $0.mattedOnWhite }
    }

    /// The picture over opaque white, without alpha: what a vision model is shown.
    ///
    /// Equal, bit for bit, to Pillow's `Image.alpha_composite` on white (`src/libImaging/AlphaComposite.c`).
    public static func overWhite(_ image: PixelBuffer) -> RGBBuffer {
        // Seven bits beyond the eight of the result; the reference could not fit more into 32.
        let fraction: UInt32 = 7
        var result = [UInt8](repeating: 255, count: image.width * image.height * RGBBuffer.channels)
        image.bytes.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                for pixel in 0..<image.width * image.height {
                    let alpha = UInt32(source[pixel * 4 + 3])
                    if alpha == 0 { continue }
                    // Over opaque white the result's alpha is 255, so the layer's share is its own alpha.
                    let share = alpha << fraction
                    let rest = 255 << fraction - share
                    for channel in 0..<3 {
                        let sum = UInt32(source[pixel * 4 + channel]) * share + 255 * rest + 0x80 << fraction
                        target[pixel * 3 + channel] = UInt8(truncatingIfNeeded: ((sum >> 8 + sum) >> 8) >> fraction)
                    }
                }
            }
        }
        return RGBBuffer(uncheckedWidth: image.width, height: image.height, bytes: result)
    }

    private static func flatten(
        _ layers: [ImageLayer], finish: (CompositePixel) -> (UInt8, UInt8, UInt8, UInt8)
    ) throws(ImageError) -> PixelBuffer {
        guard let canvas = layers.first?.pixels else {
            throw .countOutOfRange(what: "layers", count: 0, limit: Int(Int16.max))
        }
        for layer in layers where layer.pixels.width != canvas.width || layer.pixels.height != canvas.height {
            throw .layerSizeMismatch(
                layer: layer.name, expectedWidth: canvas.width, expectedHeight: canvas.height,
                actualWidth: layer.pixels.width, actualHeight: layer.pixels.height)
        }
        let visible = layers.filter { $0.isVisible && $0.opacity > 0 }
        var row = [CompositePixel](repeating: .nothing, count: canvas.width)
        var result = [UInt8](repeating: 0, count: canvas.bytes.count)
        row.withUnsafeMutableBufferPointer { row in
            result.withUnsafeMutableBufferPointer { result in
                for y in 0..<canvas.height {
                    row.update(repeating: .nothing)
                    let start = y * canvas.width * 4
                    for layer in visible { put(layer, at: start, over: row) }
                    for x in 0..<row.count {
                        let offset = start + x * 4
                        (result[offset], result[offset + 1], result[offset + 2], result[offset + 3]) = finish(row[x])
                    }
                }
            }
        }
        return PixelBuffer(uncheckedWidth: canvas.width, height: canvas.height, bytes: result)
    }

    private static func put(
        _ layer: ImageLayer, at start: Int, over row: UnsafeMutableBufferPointer<CompositePixel>
    ) {
        let strength = Float(layer.opacity) / (255 * 255)
        layer.pixels.bytes.withUnsafeBufferPointer { bytes in
            for x in 0..<row.count {
                let offset = start + x * 4
                let alpha = bytes[offset + 3]
                if alpha == 0 { continue }
                row[x].put(
                    red: bytes[offset], green: bytes[offset + 1], blue: bytes[offset + 2],
                    alpha: Float(alpha) * strength)
            }
        }
    }
}
