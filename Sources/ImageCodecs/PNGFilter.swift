import CImages

/// The filtered rows of a PNG: for each row the filter whose result is smallest in sum, as signed bytes.
///
/// Source: PNG specification (third edition) section 9, and the heuristic of section 12.7.
struct PNGFilter {
    /// What is written: pixels somewhere on a canvas, which is transparent black elsewhere.
    struct Source {
        let pixels: PixelBuffer
        /// The canvas' column and row of the first pixel.
        let x: Int
        let y: Int
        let width: Int
        let height: Int

        /// A picture that is its own canvas.
        init(_ pixels: PixelBuffer) {
            self.init(pixels, x: 0, y: 0, width: pixels.width, height: pixels.height)
        }

        init(_ pixels: PixelBuffer, x: Int, y: Int, width: Int, height: Int) {
            (self.pixels, self.x, self.y, self.width, self.height) = (pixels, x, y, width, height)
        }

        /// True if no pixel lies outside of the canvas.
        var isInside: Bool { x >= 0 && y >= 0 && x + pixels.width <= width && y + pixels.height <= height }

        /// True if every alpha value of the canvas is 255, where no pixel lies outside of it.
        var isOpaque: Bool { pixels.width == width && pixels.height == height && pixels.isOpaque }
    }

    private let image: Source
    private let hasAlpha: Bool
    private let clearsColor: Bool
    private let channels: Int
    private let rowBytes: Int

    init(_ image: Source, hasAlpha: Bool, clearsColor: Bool) {
        self.image = image
        self.hasAlpha = hasAlpha
        self.clearsColor = clearsColor && hasAlpha
        channels = hasAlpha ? 4 : 3
        rowBytes = image.width * (hasAlpha ? 4 : 3)
    }

    /// `height` rows, each led by its filter's number; `rows` is used again if it has their size.
    func run(into rows: inout [UInt8]) {
        let height = image.height
        if rows.count != height * (rowBytes + 1) {
            rows = [UInt8](repeating: 0, count: height * (rowBytes + 1))
        }
        // Two rows of pixels, each with a pixel of zeros before it, then a row for each filter that computes.
        let padded = rowBytes + channels
        var scratch = [UInt8](repeating: 0, count: 2 * padded + 4 * rowBytes)
        image.pixels.bytes.withUnsafeBufferPointer { source in
            scratch.withUnsafeMutableBufferPointer { scratch in
                rows.withUnsafeMutableBufferPointer { target in
                    guard let input = source.baseAddress, let output = target.baseAddress,
                        let memory = scratch.baseAddress
                    else { return }
                    var current = memory + channels
                    var above = memory + padded + channels
                    for row in 0..<height {
                        load(input, row: row, into: current)
                        let rowStart = output + row * (rowBytes + 1)
                        let filter = cimages_png_filter(
                            current, above, rowBytes, channels, memory + 2 * padded, rowStart + 1)
                        rowStart.pointee = UInt8(filter)
                        swap(&current, &above)
                    }
                }
            }
        }
    }

    /// One row of the canvas, from the picture's first pixel.
    private func load(_ input: UnsafePointer<UInt8>, row: Int, into target: UnsafeMutablePointer<UInt8>) {
        let (pixels, y) = (image.pixels, row - image.y)
        if pixels.width < image.width || pixels.height < image.height { target.update(repeating: 0, count: rowBytes) }
        guard (0..<pixels.height).contains(y) else { return }
        let (start, end) = (image.x, image.x + pixels.width)
        let source = input + y * pixels.width * 4
        guard hasAlpha else {
            for pixel in 0..<end - start {
                let place = (start + pixel) * 3
                target[place] = source[pixel * 4]
                target[place + 1] = source[pixel * 4 + 1]
                target[place + 2] = source[pixel * 4 + 2]
            }
            return
        }
        target.advanced(by: start * 4).update(from: source, count: (end - start) * 4)
        guard clearsColor else { return }
        for pixel in start..<end where target[pixel * 4 + 3] == 0 {
            target[pixel * 4] = 0
            target[pixel * 4 + 1] = 0
            target[pixel * 4 + 2] = 0
        }
    }
}
