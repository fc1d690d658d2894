import CImages

/// Reads JPEG through libjpeg-turbo.
enum JPEGDecoder {
    /// Throws `ImageError` for sizes beyond `options`, too many scans, and data that is truncated or damaged.
    static func decode(_ bytes: [UInt8], options: DecodeOptions) throws(ImageError) -> EncodedPixels {
        try bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(ImageError) in try decode(buffer, options: options) }
        }.get()
    }

    private static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, options: DecodeOptions
    ) throws(ImageError) -> EncodedPixels {
        guard let jpeg = cimages_jpeg_open(bytes.baseAddress, bytes.count) else {
            throw .codecFailure(operation: "reading JPEG", detail: "no memory")
        }
        defer { cimages_jpeg_close(jpeg) }
        var header = CImagesJPEGHeader()
        try check(cimages_jpeg_read_header(jpeg, &header), jpeg)
        let width = Int(header.width)
        let height = Int(header.height)
        try options.checkSize(width: width, height: height, format: .jpeg)
        guard [1, 3, 4].contains(header.components) else {
            throw .unsupportedFeature(.jpeg, detail: "its colours are neither grey, RGB nor CMYK")
        }
        // Before the pixels: libjpeg forgets the markers when it is done with the picture.
        let markers = JPEGMarkers(jpeg)
        let samples = try readPixels(jpeg, header: header)
        let model: DecodedImage.ColorModel =
            header.components == 1 ? .grey : header.components == 3 ? .rgb : .cmyk
        return EncodedPixels(
            width: width, height: height, samples: samples,
            layout: model == .grey ? .grey : model == .rgb ? .rgba : .cmyk,
            colorModel: model, bitDepth: 8, hasAlpha: false,
            orientation: OrientationTag.resolve(exif: markers.exif, xmp: markers.xmp), profile: markers.profile)
    }

    /// Throws as `decode` does for what stands before the pixels.
    static func header(_ bytes: [UInt8], options: DecodeOptions) throws(ImageError) -> ImageHeader {
        try bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(ImageError) in
                guard let jpeg = cimages_jpeg_open(buffer.baseAddress, buffer.count) else {
                    throw .codecFailure(operation: "reading JPEG", detail: "no memory")
                }
                defer { cimages_jpeg_close(jpeg) }
                var header = CImagesJPEGHeader()
                try check(cimages_jpeg_read_header(jpeg, &header), jpeg)
                let (width, height) = (Int(header.width), Int(header.height))
                try options.checkSize(width: width, height: height, format: .jpeg)
                let markers = JPEGMarkers(jpeg)
                return ImageHeader(
                    width: width, height: height,
                    orientation: OrientationTag.resolve(exif: markers.exif, xmp: markers.xmp))
            }
        }.get()
    }

    private static func readPixels(_ jpeg: OpaquePointer, header: CImagesJPEGHeader) throws(ImageError) -> [UInt8] {
        let width = Int(header.width)
        let height = Int(header.height)
        let channels = Int(header.components)
        try check(cimages_jpeg_start(jpeg, Int32(DecodeOptions.maximumScans)), jpeg)
        let outputRow = width * (channels == 1 ? 1 : 4)
        var samples = [UInt8](repeating: 0, count: height * outputRow)
        var row = [UInt8](repeating: 0, count: width * channels)
        let status = row.withUnsafeMutableBufferPointer { row -> Int32 in
            samples.withUnsafeMutableBufferPointer { samples -> Int32 in
                guard let source = row.baseAddress, let target = samples.baseAddress else { return 0 }
                for y in 0..<height {
                    let status = cimages_jpeg_read_row(jpeg, source)
                    guard status == CIMAGES_OK else { return status }
                    expand(source, into: target + y * outputRow, width: width, channels: channels)
                }
                return Int32(CIMAGES_OK)
            }
        }
        try check(status, jpeg)
        try check(cimages_jpeg_finish(jpeg), jpeg)
        return samples
    }

    private static func expand(
        _ source: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>, width: Int, channels: Int
    ) {
        switch channels {
        case 1:
            target.update(from: source, count: width)
        case 3:
            for pixel in 0..<width {
                target[pixel * 4] = source[pixel * 3]
                target[pixel * 4 + 1] = source[pixel * 3 + 1]
                target[pixel * 4 + 2] = source[pixel * 3 + 2]
                target[pixel * 4 + 3] = 255
            }
        default:
            // Four colours are stored inverted by everybody since Photoshop did; Pillow and browsers assume it always.
            for sample in 0..<width * 4 { target[sample] = 255 - source[sample] }
        }
    }

    private static func check(_ status: Int32, _ jpeg: OpaquePointer) throws(ImageError) {
        switch Int(status) {
        case CIMAGES_OK: return
        case CIMAGES_TRUNCATED: throw .truncated(.jpeg)
        case CIMAGES_TOO_MANY_SCANS:
            throw .unsupportedFeature(.jpeg, detail: "it has more than \(DecodeOptions.maximumScans) scans")
        case CIMAGES_NO_MEMORY: throw .codecFailure(operation: "reading JPEG", detail: "no memory")
        default: throw .damaged(.jpeg, detail: String(cString: cimages_jpeg_message(jpeg)))
        }
    }
}
