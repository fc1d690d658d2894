import CImages

/// Reads PNG through libpng, row by row, and expands every kind to RGBA itself.
enum PNGDecoder {
    /// Throws `ImageError` for sizes beyond `options` and for data that is truncated or damaged.
    static func decode(_ bytes: [UInt8], options: DecodeOptions) throws(ImageError) -> EncodedPixels {
        // The closure of withUnsafeBufferPointer cannot carry a typed error out, a Result can.
        try bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(ImageError) in try decode(buffer, options: options) }
        }.get()
    }

    private static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, options: DecodeOptions
    ) throws(ImageError) -> EncodedPixels {
        guard let png = cimages_png_open(bytes.baseAddress, bytes.count) else {
            throw .codecFailure(operation: "reading PNG", detail: "no memory")
        }
        defer { cimages_png_close(png) }
        var header = CImagesPNGHeader()
        try check(cimages_png_read_header(png, &header), png)
        let width = Int(header.width)
        let height = Int(header.height)
        try options.checkSize(width: width, height: height, format: .png)
        let frames = frameCount(bytes)
        guard frames <= 1 else { throw .animated(.png, frames: frames) }
        guard let expansion = PNGRowExpansion(png: png, header: header) else {
            throw .damaged(.png, detail: "it has a palette without entries")
        }
        let samples = try readPixels(png, header: header, expansion: expansion)
        try check(cimages_png_finish(png), png)
        return EncodedPixels(
            width: width, height: height, samples: samples, layout: expansion.layout,
            colorModel: expansion.colorModel, bitDepth: Int(header.bit_depth), hasAlpha: expansion.hasAlpha,
            orientation: orientation(png),
            profile: copy { cimages_png_profile(png, $0) })
    }

    /// What `acTL`, which stands before the pixels of an animation, says; 1 without one.
    ///
    /// Source: PNG 3, 11.3.6.1.
    private static func frameCount(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        func number(_ place: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(bytes[place + $1]) } }
        // Behind the signature.
        var place = 8
        while place + 12 <= bytes.count {
            let (length, name) = (number(place), bytes[place + 4..<place + 8])
            if name.elementsEqual("IDAT".utf8) { return 1 }
            if name.elementsEqual("acTL".utf8), length >= 4 { return number(place + 8) }
            place += 12 + length
        }
        return 1
    }

    /// Throws as `decode` does for what stands before the pixels.
    static func header(_ bytes: [UInt8], options: DecodeOptions) throws(ImageError) -> ImageHeader {
        try bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(ImageError) in
                guard let png = cimages_png_open(buffer.baseAddress, buffer.count) else {
                    throw .codecFailure(operation: "reading PNG", detail: "no memory")
                }
                defer { cimages_png_close(png) }
                var header = CImagesPNGHeader()
                try check(cimages_png_read_header(png, &header), png)
                let (width, height) = (Int(header.width), Int(header.height))
                try options.checkSize(width: width, height: height, format: .png)
                return ImageHeader(width: width, height: height, orientation: orientation(png))
            }
        }.get()
    }

    private static func readPixels(
        _ png: OpaquePointer, header: CImagesPNGHeader, expansion: PNGRowExpansion
    ) throws(ImageError) -> [UInt8] {
        var passes: Int32 = 0
        try check(cimages_png_start(png, &passes), png)
        let width = Int(header.width)
        let height = Int(header.height)
        let outputRow = width * (expansion.layout == .grey ? 1 : 4)
        var samples = [UInt8](repeating: 0, count: height * outputRow)
        // An interlaced picture is complete only after the last pass, so all its rows are held.
        let heldRows = passes > 1 ? height : 1
        var rows = [UInt8](repeating: 0, count: heldRows * header.row_bytes)
        let status = rows.withUnsafeMutableBufferPointer { rows -> Int32 in
            samples.withUnsafeMutableBufferPointer { samples -> Int32 in
                guard let row = rows.baseAddress, let target = samples.baseAddress else { return 0 }
                for pass in 0..<passes {
                    for y in 0..<height {
                        let source = row + (heldRows > 1 ? y * header.row_bytes : 0)
                        let status = cimages_png_read_row(png, source)
                        guard status == CIMAGES_OK else { return status }
                        if pass == passes - 1 {
                            expansion.expand(source, into: target + y * outputRow, width: width)
                        }
                    }
                }
                return Int32(CIMAGES_OK)
            }
        }
        try check(status, png)
        return samples
    }

    private static func orientation(_ png: OpaquePointer) -> Int {
        var exif = copy { cimages_png_exif(png, $0) }
        if exif.isEmpty {
            let text = copy { cimages_png_text(png, "Raw profile type exif", $0) }
            exif = OrientationTag.block(fromRawProfile: text)
        }
        let xmp = copy { cimages_png_text(png, "XML:com.adobe.xmp", $0) }
        return OrientationTag.resolve(exif: exif, xmp: xmp)
    }

    private static func copy(_ read: (UnsafeMutablePointer<UnsafePointer<UInt8>?>) -> Int) -> [UInt8] {
        var data: UnsafePointer<UInt8>?
        let count = read(&data)
        return Array(UnsafeBufferPointer(start: data, count: data == nil ? 0 : count))
    }

    private static func check(_ status: Int32, _ png: OpaquePointer) throws(ImageError) {
        switch Int(status) {
        case CIMAGES_OK: return
        case CIMAGES_TRUNCATED: throw .truncated(.png)
        default: throw .damaged(.png, detail: String(cString: cimages_png_message(png)))
        }
    }
}
