/// Rows in floating point, which become bytes once, at the end.
enum ExactRows: RowArithmetic {
    typealias Row = UnsafeMutableBufferPointer<CompositePixel>

    static var nothing: CompositePixel { .zero }

    static func box(of layer: ImageLayer, in canvas: PixelBox) -> PixelBox {
        PixelBox(
            left: layer.x, top: layer.y, right: layer.x + (layer.pixels?.width ?? 0),
            bottom: layer.y + (layer.pixels?.height ?? 0)
        ).clamped(to: canvas)
    }

    static func draw(_ layer: ImageLayer, _ y: Int, mode: BlendMode, keepsAlpha: Bool, into row: Row) {
        guard let pixels = layer.pixels, y >= layer.y, y < layer.y + pixels.height else { return }
        let columns = max(0, layer.x)..<max(max(0, layer.x), min(row.count, layer.x + pixels.width))
        if columns.isEmpty { return }
        let strength = Float(layer.opacity) / (255 * 255)
        let isOpaque = layer.opacity == 255
        pixels.bytes.withUnsafeBufferPointer { bytes in
            guard let first = bytes.baseAddress else { return }
            let source = first + ((y - layer.y) * pixels.width - layer.x) * PixelBuffer.channels
            func color(_ x: Int) -> CompositePixel {
                let pixel = source + x * PixelBuffer.channels
                let alpha = pixel[3]
                // Exactly one, so that what is opaque covers entirely.
                let share = alpha == 255 && isOpaque ? 1 : Float(alpha) * strength
                return CompositePixel(Float(pixel[0]), Float(pixel[1]), Float(pixel[2]), 255) * share
            }
            if mode == .normal && !keepsAlpha {
                for x in columns {
                    let above = color(x)
                    row[x] = above + row[x] * (1 - above.w / 255)
                }
            } else {
                BlendFormula.blend(columns, mode: mode, keepsAlpha: keepsAlpha, into: row, color)
            }
        }
    }

    static func draw(
        _ source: Row, _ columns: Range<Int>, opacity: UInt8, mode: BlendMode, keepsAlpha: Bool, into row: Row
    ) {
        let strength = Float(opacity) / 255
        if mode == .normal && !keepsAlpha {
            for x in columns {
                let color = source[x] * strength
                row[x] = color + row[x] * (1 - color.w / 255)
            }
        } else {
            BlendFormula.blend(columns, mode: mode, keepsAlpha: keepsAlpha, into: row) { source[$0] * strength }
        }
    }

    static func fade(_ row: Row, from before: Row, _ columns: Range<Int>, opacity: UInt8) {
        let strength = Float(opacity) / 255
        for x in columns { row[x] = before[x] + (row[x] - before[x]) * strength }
    }

    static func sum(_ pixel: CompositePixel) -> CompositePixel { pixel }
}
