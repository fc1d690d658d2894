/// Rows in bytes: straight RGBA, rounded after every layer and every group, in Krita's arithmetic.
///
/// Found by having Krita 5.1 composite every pair of values in every mode, and random colours of random alpha
/// (`tools/make_layered_fixtures.py`): the modes but `normal` give its bytes; `normal` is within 1, since Krita divides
/// by the processor's approximate reciprocal.
enum ByteRows: RowArithmetic {
    /// Straight RGBA, 0...255.
    typealias Pixel = SIMD4<Int32>
    typealias Row = UnsafeMutableBufferPointer<Pixel>

    static var nothing: Pixel { .zero }

    /// A power of 2.
    private static let tileSide = 64

    /// In whole tiles, as below.
    static func box(of layer: ImageLayer, in canvas: PixelBox) -> PixelBox {
        guard let pixels = layer.pixels else { return PixelBox(left: 0, top: 0, right: 0, bottom: 0) }
        let (columns, rows) = (tiles(layer.x, pixels.width), tiles(layer.y, pixels.height))
        return PixelBox(
            left: columns.lowerBound, top: rows.lowerBound, right: columns.upperBound, bottom: rows.upperBound
        ).clamped(to: canvas)
    }

    /// Also of what lies around the layer, in whole tiles: putting nothing over faint pixels rounds their colours too.
    static func draw(_ layer: ImageLayer, _ y: Int, mode: BlendMode, keepsAlpha: Bool, into row: Row) {
        guard let pixels = layer.pixels, tiles(layer.y, pixels.height).contains(y) else { return }
        let hasRow = (layer.y..<layer.y + pixels.height).contains(y)
        let first = hasRow ? (y - layer.y) * pixels.width * PixelBuffer.channels : 0
        let columns = tiles(layer.x, pixels.width).clamped(to: 0..<row.count)
        pixels.bytes.withUnsafeBufferPointer { bytes in
            for x in columns {
                var color = nothing
                if hasRow, x >= layer.x, x < layer.x + pixels.width {
                    let place = first + (x - layer.x) * PixelBuffer.channels
                    for channel in 0..<PixelBuffer.channels { color[channel] = Int32(bytes[place + channel]) }
                }
                row[x] = composite(color, row[x], opacity: layer.opacity, mode: mode, keepsAlpha: keepsAlpha)
            }
        }
    }

    /// The tiles that hold pixels from `start` on.
    private static func tiles(_ start: Int, _ count: Int) -> Range<Int> {
        start & ~(tileSide - 1)..<(start + count + tileSide - 1) & ~(tileSide - 1)
    }

    static func draw(
        _ source: Row, _ columns: Range<Int>, opacity: UInt8, mode: BlendMode, keepsAlpha: Bool, into row: Row
    ) {
        for x in columns {
            row[x] = composite(source[x], row[x], opacity: opacity, mode: mode, keepsAlpha: keepsAlpha)
        }
    }

    static func fade(_ row: Row, from before: Row, _ columns: Range<Int>, opacity: UInt8) {
        let strength = Float(opacity) / 255
        for x in columns {
            let (old, new) = (sum(before[x]), sum(row[x]))
            let mixed = old + (new - old) * strength
            var straight = mixed.w > 0 ? mixed * (255 / mixed.w) : .zero
            straight.w = mixed.w
            row[x] = straight.nearest
        }
    }

    static func sum(_ pixel: Pixel) -> CompositePixel {
        var sum = CompositePixel(pixel)
        sum *= sum.w / 255
        sum.w = Float(pixel.w)
        return sum
    }

    // MARK: One pixel

    @inline(__always)
    private static func composite(
        _ source: Pixel, _ backdrop: Pixel, opacity: UInt8, mode: BlendMode, keepsAlpha: Bool
    ) -> Pixel {
        mode == .normal
            ? over(source, backdrop, opacity, keepsAlpha) : blend(source, backdrop, opacity, mode, keepsAlpha)
    }

    /// Krita has this one mode in floating point.
    private static func over(_ source: Pixel, _ backdrop: Pixel, _ opacity: UInt8, _ keepsAlpha: Bool) -> Pixel {
        let alpha = Float(source.w) * Float(opacity) / 255
        guard alpha > 0 else { return backdrop }
        let below = CompositePixel(backdrop)
        let whole = keepsAlpha ? 255 : below.w + (255 - below.w) * alpha / 255
        var result = below + (CompositePixel(source) - below) * (alpha / whole)
        result.w = keepsAlpha ? below.w : whole
        return result.nearest
    }

    private static func blend(
        _ source: Pixel, _ backdrop: Pixel, _ opacity: UInt8, _ mode: BlendMode, _ keepsAlpha: Bool
    ) -> Pixel {
        let alpha = ByteFormula.product(source.w, Int32(opacity))
        let mixed = ByteFormula.color(mode, backdrop, source)
        if keepsAlpha {
            guard backdrop.w > 0 else { return backdrop }
            var result = backdrop &+ ByteFormula.product(mixed &- backdrop, Pixel(repeating: alpha))
            result.w = backdrop.w
            return result
        }
        let whole = alpha + backdrop.w - ByteFormula.product(alpha, backdrop.w)
        guard whole > 0 else { return backdrop }
        let sum =
            ByteFormula.product(backdrop, (255 - alpha) * backdrop.w)
            &+ ByteFormula.product(source, (255 - backdrop.w) * alpha)
            &+ ByteFormula.product(mixed, alpha * backdrop.w)
        var result = (sum &* 255 &+ whole / 2) / Pixel(repeating: whole)
        result = pointwiseMin(result, Pixel(repeating: 255))
        result.w = whole
        return result
    }
}
