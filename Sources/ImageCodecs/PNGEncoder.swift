/// Writes 8-bit PNG: an own choice of filters and libdeflate, which is several times faster than libpng's defaults.
public enum PNGEncoder {
    /// libdeflate's level with the best time for the size on filtered pictures.
    private static let compressionLevel: Int32 = 3
    /// The most bytes of one IDAT chunk.
    private static let maximumChunk = 1 << 30
    /// More than what stands around the pixels' data without texts, and what a chunk of it has besides.
    private static let frameBytes = (fixed: 128, chunk: 12)

    /// The most bytes that a picture of this size becomes, whatever is in it, without texts.
    public static func largestByteCount(width: Int, height: Int) -> Int {
        let data = Deflate.zlibBound(height * (width * PixelBuffer.channels + 1))
        return data + frameBytes.fixed + frameBytes.chunk * (data / maximumChunk + 1)
    }

    /// The most that writing one of this size takes besides the picture and the file: the filtered rows, and what they
    /// are compressed to before it is in the file.
    public static func workspaceBytes(width: Int, height: Int) -> Int {
        let filtered = height * (width * PixelBuffer.channels + 1)
        return filtered + Deflate.zlibBound(filtered) + Deflate.tableBytes
    }

    /// Encodes one picture as PNG with `sRGB`, `pHYs` and text chunks.
    ///
    /// The same picture and options give the same bytes. Throws `ImageError.invalidName` for a text key that PNG cannot
    /// hold, `ImageError.countOutOfRange` for too many or too long texts, and `ImageError.codecFailure` without memory.
    public static func encode(
        _ image: PixelBuffer, options: PNGOptions = PNGOptions()
    ) throws(ImageError) -> [UInt8] {
        var workspace = PNGWorkspace()
        return try encode(image, options: options, workspace: &workspace)
    }

    /// As `encode`, for several pictures one after the other, which share the memory of their filtered rows.
    public static func encode(
        _ image: PixelBuffer, options: PNGOptions, workspace: inout PNGWorkspace
    ) throws(ImageError) -> [UInt8] {
        try encode(PNGFilter.Source(image), options: options, workspace: &workspace)
    }

    /// As `encode`, of a layer on a canvas of this size, as `ImageLayer.onCanvas` gives it, without a copy of that
    /// size.
    ///
    /// Throws `ImageError.invalidSize` for a canvas that cannot be.
    public static func encode(
        _ layer: ImageLayer, width: Int, height: Int, options: PNGOptions, workspace: inout PNGWorkspace
    ) throws(ImageError) -> [UInt8] {
        _ = try PixelBuffer.byteCount(width: width, height: height, channels: PixelBuffer.channels)
        let source = PNGFilter.Source(layer.picture, x: layer.x, y: layer.y, width: width, height: height)
        // What lies outside is lost, and has no say in whether the canvas is opaque.
        guard source.isInside else {
            return try encode(layer.onCanvas(width: width, height: height), options: options, workspace: &workspace)
        }
        return try encode(source, options: options, workspace: &workspace)
    }

    private static func encode(
        _ image: PNGFilter.Source, options: PNGOptions, workspace: inout PNGWorkspace
    ) throws(ImageError) -> [UInt8] {
        let hasAlpha =
            switch options.colorType {
            case .rgba: true
            case .rgb: false
            case .automatic: !image.isOpaque
            }
        PNGFilter(image, hasAlpha: hasAlpha, clearsColor: options.clearsTransparentColor)
            .run(into: &workspace.filtered)
        let compressed = try workspace.filtered.withUnsafeBufferPointer { filtered in
            Result { () throws(ImageError) in
                try Deflate.compress(filtered, level: compressionLevel, container: .zlib)
            }
        }.get()
        var file = BigEndianBytes()
        file.bytes.reserveCapacity(compressed.count + 1_024)
        file.append([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        var header = BigEndianBytes()
        header.append(UInt32(image.width))
        header.append(UInt32(image.height))
        header.append([8, hasAlpha ? 6 : 2, 0, 0, 0])
        appendChunk("IHDR", header.bytes[...], to: &file)
        // Rendering intent 0: perceptual.
        appendChunk("sRGB", [0], to: &file)
        appendChunk("pHYs", physicalSize(options.dotsPerInch), to: &file)
        try appendTexts(options.texts, to: &file)
        for start in stride(from: 0, to: compressed.count, by: maximumChunk) {
            appendChunk("IDAT", compressed[start..<min(start + maximumChunk, compressed.count)], to: &file)
        }
        appendChunk("IEND", [], to: &file)
        return file.bytes
    }

    private static func physicalSize(_ dotsPerInch: Int) -> ArraySlice<UInt8> {
        var chunk = BigEndianBytes()
        let perMetre = UInt32((Double(min(max(dotsPerInch, 1), 1_000_000)) / 0.0254).rounded())
        chunk.append(perMetre)
        chunk.append(perMetre)
        chunk.append([1])
        return chunk.bytes[...]
    }

    static func appendTexts(_ texts: [PNGOptions.Text], to file: inout BigEndianBytes) throws(ImageError) {
        guard texts.count <= PNGOptions.maximumTexts else {
            throw .countOutOfRange(what: "texts", count: texts.count, limit: PNGOptions.maximumTexts)
        }
        for text in texts {
            guard let key = latin1(text.key), (1...79).contains(key.count), !key.contains(0) else {
                throw .invalidName(text.key, reason: "a PNG text key has 1 to 79 characters of Latin-1")
            }
            let utf8 = Array(text.value.utf8)
            guard utf8.count <= PNGOptions.maximumTextByteCount else {
                throw .countOutOfRange(
                    what: "bytes of text", count: utf8.count, limit: PNGOptions.maximumTextByteCount)
            }
            if let value = latin1(text.value), !value.contains(0) {
                appendChunk("tEXt", (key + [0] + value)[...], to: &file)
            } else {
                // No compression, no language, no translated key.
                appendChunk("iTXt", (key + [0, 0, 0, 0, 0] + utf8.filter { $0 != 0 })[...], to: &file)
            }
        }
    }

    /// The text in ISO 8859-1 if it fits.
    private static func latin1(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard scalar.value < 256 else { return nil }
            bytes.append(UInt8(scalar.value))
        }
        return bytes
    }

    private static func appendChunk(_ name: String, _ data: ArraySlice<UInt8>, to file: inout BigEndianBytes) {
        file.append(UInt32(data.count))
        let start = file.bytes.count
        file.append(Array(name.utf8))
        file.bytes.append(contentsOf: data)
        let sum = file.bytes.withUnsafeBytes { Deflate.crc32(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        file.append(sum)
    }
}
