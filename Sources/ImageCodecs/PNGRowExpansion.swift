import CImages

/// Makes grey or RGBA rows of the samples of a PNG.
///
/// Equal to Pillow's `convert("RGBA")` but where Pillow departs from the PNG specification: 16-bit grey keeps its high
/// byte (Pillow clips to 255), and tRNS is compared with the samples as stored (Pillow compares the unscaled value with
/// scaled 2- and 4-bit greys, and the low byte of 16-bit colours).
struct PNGRowExpansion {
    let layout: EncodedPixels.Layout
    let colorModel: DecodedImage.ColorModel
    let hasAlpha: Bool
    private let bitDepth: Int
    /// The sample values that tRNS makes transparent: one for grey, three for RGB.
    private let transparentColor: [UInt16]
    /// 256 RGBA values of a palette, else empty.
    private let palette: [UInt8]

    /// Nil for a palette picture without a palette.
    init?(png: OpaquePointer, header: CImagesPNGHeader) {
        bitDepth = Int(header.bit_depth)
        var alphas: UnsafePointer<UInt8>?
        var color: (UInt16, UInt16, UInt16) = (0, 0, 0)
        let transparency = withUnsafeMutableBytes(of: &color) { color in
            Int(cimages_png_transparency(png, &alphas, color.baseAddress?.assumingMemoryBound(to: UInt16.self)))
        }
        let alphaValues = Array(UnsafeBufferPointer(start: alphas, count: alphas == nil ? 0 : transparency))
        var transparentColor: [UInt16] = []
        var palette: [UInt8] = []
        switch header.color_type {
        case 0:
            colorModel = .grey
            if transparency > 0 { transparentColor = [color.0] }
        case 2:
            colorModel = .rgb
            if transparency > 0 { transparentColor = [color.0, color.1, color.2] }
        case 3:
            colorModel = .palette
            guard let entries = Self.palette(png, alphas: alphaValues) else { return nil }
            palette = entries
        case 4: colorModel = .greyAlpha
        default: colorModel = .rgba
        }
        self.transparentColor = transparentColor
        self.palette = palette
        hasAlpha = transparency > 0 || colorModel == .greyAlpha || colorModel == .rgba
        layout = colorModel == .grey && transparentColor.isEmpty ? .grey : .rgba
    }

    /// 256 RGBA values: those of the file, then (as in Pillow) the grey of their index for pixels beyond the palette.
    private static func palette(_ png: OpaquePointer, alphas: [UInt8]) -> [UInt8]? {
        var entries: UnsafePointer<UInt8>?
        let count = Int(cimages_png_palette(png, &entries))
        guard count > 0, let entries else { return nil }
        var palette: [UInt8] = []
        for index in 0..<256 {
            for channel in 0..<3 {
                palette.append(index < count ? entries[index * 3 + channel] : UInt8(index))
            }
            palette.append(index < alphas.count ? alphas[index] : 255)
        }
        return palette
    }

    /// Expands one row; `source` has a byte a sample, two (big-endian) if the depth is 16.
    func expand(_ source: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>, width: Int) {
        switch colorModel {
        case .palette: expandPalette(source, target, width)
        case .grey where layout == .grey: expandGrey(source, target, width)
        case .grey: expandTransparentGrey(source, target, width)
        case .greyAlpha: expandGreyAlpha(source, target, width)
        case .rgb: expandRGB(source, target, width)
        default: expandRGBA(source, target, width)
        }
    }

    /// Bytes a sample, and what a sample is multiplied by to fill 0...255.
    private var sampleBytes: Int { bitDepth == 16 ? 2 : 1 }
    private var greyScale: UInt8 { bitDepth >= 8 ? 1 : bitDepth == 4 ? 17 : bitDepth == 2 ? 85 : 255 }

    private func value(_ source: UnsafePointer<UInt8>, _ sample: Int) -> UInt16 {
        bitDepth == 16
            ? UInt16(source[sample * 2]) << 8 | UInt16(source[sample * 2 + 1])
            : UInt16(source[sample])
    }

    private func expandPalette(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ width: Int
    ) {
        palette.withUnsafeBufferPointer { palette in
            for pixel in 0..<width {
                let entry = Int(source[pixel]) * 4
                for channel in 0..<4 { target[pixel * 4 + channel] = palette[entry + channel] }
            }
        }
    }

    private func expandGrey(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ width: Int) {
        let step = sampleBytes
        let scale = greyScale
        for pixel in 0..<width { target[pixel] = source[pixel * step] &* scale }
    }

    private func expandTransparentGrey(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ width: Int
    ) {
        let scale = greyScale
        let transparent = transparentColor[0]
        for pixel in 0..<width {
            let grey = source[pixel * sampleBytes] &* scale
            for channel in 0..<3 { target[pixel * 4 + channel] = grey }
            target[pixel * 4 + 3] = value(source, pixel) == transparent ? 0 : 255
        }
    }

    private func expandGreyAlpha(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ width: Int
    ) {
        let step = sampleBytes
        for pixel in 0..<width {
            let grey = source[pixel * 2 * step]
            for channel in 0..<3 { target[pixel * 4 + channel] = grey }
            target[pixel * 4 + 3] = source[(pixel * 2 + 1) * step]
        }
    }

    private func expandRGB(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ width: Int) {
        let step = sampleBytes
        for pixel in 0..<width {
            for channel in 0..<3 { target[pixel * 4 + channel] = source[(pixel * 3 + channel) * step] }
            target[pixel * 4 + 3] = 255
        }
        guard !transparentColor.isEmpty else { return }
        for pixel in 0..<width
        where value(source, pixel * 3) == transparentColor[0] && value(source, pixel * 3 + 1) == transparentColor[1]
            && value(source, pixel * 3 + 2) == transparentColor[2]
        {
            target[pixel * 4 + 3] = 0
        }
    }

    private func expandRGBA(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ width: Int) {
        let step = sampleBytes
        for sample in 0..<width * 4 { target[sample] = source[sample * step] }
    }
}
