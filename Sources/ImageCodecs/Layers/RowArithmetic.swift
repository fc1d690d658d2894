/// How rows of a stack are put over one another, and what is kept of a pixel between two layers.
protocol RowArithmetic: SendableMetatype {
    /// What is kept of a pixel.
    associatedtype Pixel
    typealias Row = UnsafeMutableBufferPointer<Pixel>

    /// The pixel of an empty canvas.
    static var nothing: Pixel { get }

    /// What a layer changes of the canvas, within it; empty or turned around if it is nothing.
    static func box(of layer: ImageLayer, in canvas: PixelBox) -> PixelBox

    /// Puts row `y` of a layer over a row; with `keepsAlpha` it shows only where the row has something (source-atop).
    static func draw(_ layer: ImageLayer, _ y: Int, mode: BlendMode, keepsAlpha: Bool, into row: Row)

    /// Puts these columns of a group's row over another.
    static func draw(
        _ source: Row, _ columns: Range<Int>, opacity: UInt8, mode: BlendMode, keepsAlpha: Bool, into row: Row)

    /// Goes back from `row` towards what it was before; all the way with opacity 0.
    static func fade(_ row: Row, from before: Row, _ columns: Range<Int>, opacity: UInt8)

    /// The pixel as it is stored: colours times alpha, and alpha, 0...255.
    static func sum(_ pixel: Pixel) -> CompositePixel
}
