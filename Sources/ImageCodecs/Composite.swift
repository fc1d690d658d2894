/// Layers put over one another: Porter-Duff source-over on straight alpha, 8 bits.
///
/// The arithmetic is that of Pillow's `Image.alpha_composite` (`src/libImaging/AlphaComposite.c`), bit for bit.
public enum Composite {
    /// The flat picture of a stack, the first layer at the bottom, over nothing.
    ///
    /// Hidden layers are left out; each result is rounded to 8 bits before the next layer comes. Throws
    /// `ImageError.countOutOfRange` without layers and `ImageError.layerSizeMismatch` if sizes differ.
    public static func flatten(_ layers: [ImageLayer]) throws(ImageError) -> PixelBuffer {
        guard let first = layers.first?.pixels else { throw .countOutOfRange(what: "layers", count: 0, limit: Int.max) }
        var canvas = [UInt8](repeating: 0, count: first.bytes.count)
        for layer in layers {
            guard layer.pixels.width == first.width, layer.pixels.height == first.height else {
                throw .layerSizeMismatch(
                    layer: layer.name, expectedWidth: first.width, expectedHeight: first.height,
                    actualWidth: layer.pixels.width, actualHeight: layer.pixels.height)
            }
            guard layer.isVisible, layer.opacity > 0 else { continue }
            put(layer.pixels.bytes, opacity: layer.opacity, over: &canvas)
        }
        return PixelBuffer(uncheckedWidth: first.width, height: first.height, bytes: canvas)
    }

    /// The picture over opaque white, without alpha: what a vision model is shown.
    public static func overWhite(_ image: PixelBuffer) -> RGBBuffer {
        var canvas = [UInt8](repeating: 255, count: image.bytes.count)
        put(image.bytes, opacity: 255, over: &canvas)
        return RGBBuffer(
            droppingAlphaOf: PixelBuffer(uncheckedWidth: image.width, height: image.height, bytes: canvas))
    }

    /// Straight RGBA `top` over straight RGBA `canvas`; both have the same length.
    static func put(_ top: [UInt8], opacity: UInt8, over canvas: inout [UInt8]) {
        precondition(top.count == canvas.count, "layers of one stack have the same size")
        top.withUnsafeBufferPointer { top in
            canvas.withUnsafeMutableBufferPointer { canvas in
                guard let source = top.baseAddress, let target = canvas.baseAddress else { return }
                for offset in stride(from: 0, to: top.count, by: 4) {
                    var alpha = UInt32(source[offset + 3])
                    if opacity != 255 {
                        let product = alpha &* UInt32(opacity) &+ 128
                        alpha = ((product >> 8) &+ product) >> 8
                    }
                    putPixel(source + offset, alpha: alpha, over: target + offset)
                }
            }
        }
    }

    @inline(__always)
    private static func putPixel(
        _ source: UnsafePointer<UInt8>, alpha: UInt32, over target: UnsafeMutablePointer<UInt8>
    ) {
        if alpha == 0 { return }
        let beneath = UInt32(target[3])
        // With an opaque top or nothing beneath the weights below come to 1 and 0.
        if alpha == 255 || beneath == 0 {
            target[0] = source[0]
            target[1] = source[1]
            target[2] = source[2]
            target[3] = UInt8(truncatingIfNeeded: alpha)
            return
        }
        // Seven bits beyond the eight of the result; more would not fit 32 bits.
        let fraction: UInt32 = 7
        let scaledAlpha = alpha &* 255 &+ beneath &* (255 &- alpha)
        let sourceWeight = (alpha &* 255 &* 255) << fraction / scaledAlpha
        let targetWeight = 255 << fraction &- sourceWeight
        for channel in 0..<3 {
            let sum = UInt32(source[channel]) &* sourceWeight &+ UInt32(target[channel]) &* targetWeight
            let rounded = sum &+ 0x80 << fraction
            target[channel] = UInt8(truncatingIfNeeded: (((rounded >> 8) &+ rounded) >> 8) >> fraction)
        }
        let rounded = scaledAlpha &+ 0x80
        target[3] = UInt8(truncatingIfNeeded: ((rounded >> 8) &+ rounded) >> 8)
    }
}
