import CImages

/// The filtered rows of a PNG: for each row the filter whose result is smallest in sum, as signed bytes.
///
/// Source: PNG specification (third edition) section 9, and the heuristic of section 12.7.
struct PNGFilter {
    private let image: PixelBuffer
    private let hasAlpha: Bool
    private let clearsColor: Bool
    private let channels: Int
    private let rowBytes: Int

    init(image: PixelBuffer, hasAlpha: Bool, clearsColor: Bool) {
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
        image.bytes.withUnsafeBufferPointer { source in
            scratch.withUnsafeMutableBufferPointer { scratch in
                rows.withUnsafeMutableBufferPointer { target in
                    guard let input = source.baseAddress, let output = target.baseAddress,
                        let memory = scratch.baseAddress
                    else { return }
                    var current = memory + channels
                    var above = memory + padded + channels
                    for row in 0..<height {
                        load(input + row * image.width * 4, into: current)
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

    private func load(_ source: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>) {
        guard hasAlpha else {
            for pixel in 0..<image.width {
                target[pixel * 3] = source[pixel * 4]
                target[pixel * 3 + 1] = source[pixel * 4 + 1]
                target[pixel * 3 + 2] = source[pixel * 4 + 2]
            }
            return
        }
        target.update(from: source, count: rowBytes)
        guard clearsColor else { return }
        for pixel in 0..<image.width where target[pixel * 4 + 3] == 0 {
            target[pixel * 4] = 0
            target[pixel * 4 + 1] = 0
            target[pixel * 4 + 2] = 0
        }
    }
}
