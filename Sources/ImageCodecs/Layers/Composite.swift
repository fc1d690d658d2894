/// Layers put over one another: Porter-Duff source-over on straight alpha, with blend modes and groups.
public enum Composite {
    /// The flat picture of a tree, over nothing.
    ///
    /// Hidden nodes are left out; sums are kept in floating point and rounded once at the end, so that many layers are
    /// no less exact than two. Colour under alpha 0 is 0. Rows are shared among the processors.
    public static func flatten(_ tree: LayerTree) -> PixelBuffer { flatten(tree, isCancelled: { false }) }

    /// As `flatten`, but with bytes after every layer and group, as Krita computes (`ByteRows`).
    public static func flattenInBytes(_ tree: LayerTree) -> PixelBuffer { flattenInBytes(tree, isCancelled: { false }) }

    /// As `flatten`; soon after `isCancelled` says so, which it does to the end then, a picture that is not whole.
    static func flatten(_ tree: LayerTree, isCancelled: @Sendable () -> Bool) -> PixelBuffer {
        flatten(tree, ExactRows.self, mattedOnWhite: false, isCancelled)
    }

    /// As `flattenInBytes`, cancelled as above.
    static func flattenInBytes(_ tree: LayerTree, isCancelled: @Sendable () -> Bool) -> PixelBuffer {
        flatten(tree, ByteRows.self, mattedOnWhite: false, isCancelled)
    }

    /// As `flatten`, with the colours over white and the alpha beside them: what PSD calls the merged image.
    static func flattenMattedOnWhite(_ tree: LayerTree) -> PixelBuffer {
        flatten(tree, ExactRows.self, mattedOnWhite: true) { false }
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

    private static func flatten<Arithmetic: RowArithmetic>(
        _ tree: LayerTree, _: Arithmetic.Type, mattedOnWhite: Bool, _ isCancelled: @Sendable () -> Bool
    ) -> PixelBuffer {
        let width = tree.width
        let nodes = DrawnNode.list(of: tree, Arithmetic.self)
        var result = [UInt8](repeating: 0, count: width * tree.height * PixelBuffer.channels)
        result.withUnsafeMutableBufferPointer { result in
            guard let base = result.baseAddress else { return }
            let target = SharedBytes(base: base)
            Strips.forEach(rows: tree.height, bytesPerRow: width * 64) { rows in
                if isCancelled() { return }
                var renderer = RowRenderer<Arithmetic>(width: width)
                for y in rows {
                    let row = renderer.render(nodes, y: y)
                    let pixels = target.base + y * width * PixelBuffer.channels
                    for x in 0..<width {
                        if mattedOnWhite {
                            CompositePixel.storeMattedOnWhite(Arithmetic.sum(row[x]), at: pixels + x * 4)
                        } else {
                            CompositePixel.storeStraight(Arithmetic.sum(row[x]), at: pixels + x * 4)
                        }
                    }
                }
                renderer.deallocate()
            }
        }
        return PixelBuffer(uncheckedWidth: width, height: tree.height, bytes: result)
    }
}
