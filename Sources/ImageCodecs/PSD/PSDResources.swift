import CImages

/// The image resources of a PSD: resolution, profile, thumbnail, XMP, and what the merged image is.
enum PSDResources {
    /// The longest side of the thumbnail.
    static let thumbnailSide = 160
    private static let thumbnailQuality = 85
    private static let dotsPerInch: UInt32 = 300
    private static let alphaName = "Transparency"

    /// The resource section without its length; `preview` is the merged image on white.
    static func bytes(preview: RGBBuffer, hasAlpha: Bool, xmp: [UInt8]) throws(ImageError) -> [UInt8] {
        var section = BigEndianBytes()
        append(1005, resolution(), to: &section)
        if hasAlpha {
            append(1006, [UInt8(alphaName.utf8.count)] + Array(alphaName.utf8), to: &section)
        }
        append(1036, try thumbnail(preview), to: &section)
        append(1039, try ColorProfile.sRGB(), to: &section)
        if hasAlpha {
            append(1045, unicode(alphaName), to: &section)
            append(1053, [0, 0, 0, 0], to: &section)
        }
        append(1057, versionInfo(), to: &section)
        if !xmp.isEmpty { append(1060, xmp, to: &section) }
        return section.bytes
    }

    private static func append(_ id: UInt16, _ data: [UInt8], to section: inout BigEndianBytes) {
        section.append(ascii: "8BIM")
        section.append(id)
        // An empty name.
        section.append(UInt16(0))
        section.append(UInt32(data.count))
        let start = section.bytes.count
        section.append(data)
        section.pad(toMultipleOf: 2, from: start)
    }

    /// 16.16 fixed-point pixels an inch, then the units to show: inches everywhere.
    private static func resolution() -> [UInt8] {
        var data = BigEndianBytes()
        for _ in 0..<2 {
            data.append(dotsPerInch << 16)
            data.append(UInt16(1))
            data.append(UInt16(1))
        }
        return data.bytes
    }

    /// UTF-16 with its length, both including the closing NUL.
    private static func unicode(_ text: String) -> [UInt8] {
        var data = BigEndianBytes()
        data.append(UInt32(text.utf16.count + 1))
        for unit in text.utf16 { data.append(unit) }
        data.append(UInt16(0))
        return data.bytes
    }

    /// Says that the merged image is real, and who wrote the file.
    private static func versionInfo() -> [UInt8] {
        var data = BigEndianBytes()
        data.append(UInt32(1))
        data.append(UInt8(1))
        data.append(unicode("Mica"))
        data.append(unicode("Mica"))
        data.append(UInt32(1))
        return data.bytes
    }

    private static func thumbnail(_ preview: RGBBuffer) throws(ImageError) -> [UInt8] {
        let longest = max(preview.width, preview.height)
        let side = min(longest, thumbnailSide)
        let width = max(1, preview.width * side / longest)
        let height = max(1, preview.height * side / longest)
        let small = try Resampler.resize(preview, width: width, height: height, filter: .bicubic)
        let jpeg = try JPEGEncoder.encode(small, quality: thumbnailQuality)
        let rowBytes = (width * 24 + 31) / 32 * 4
        var data = BigEndianBytes()
        // Format 1 is JPEG.
        for value in [1, width, height, rowBytes, rowBytes * height, jpeg.count] { data.append(UInt32(value)) }
        data.append(UInt16(24))
        data.append(UInt16(1))
        data.append(jpeg)
        return data.bytes
    }
}
