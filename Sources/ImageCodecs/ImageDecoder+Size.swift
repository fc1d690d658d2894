import CImages

extension ImageDecoder {
    /// Width and height of a picture as it will be decoded, by its header alone; an orientation that a PNG states
    /// behind its pixels is not seen.
    ///
    /// Throws `ImageError` for what the header shows: no picture, another format, a size beyond `options`.
    public static func size(
        of bytes: [UInt8], options: DecodeOptions = DecodeOptions()
    ) throws(ImageError) -> (width: Int, height: Int) {
        guard !bytes.isEmpty else { throw .emptyInput }
        try options.checkByteCount(bytes.count)
        guard let format = ImageFormat.detect(bytes) else { throw .notAPicture }
        let header: ImageHeader
        switch format {
        case .png: header = try PNGDecoder.header(bytes, options: options)
        case .jpeg: header = try JPEGDecoder.header(bytes, options: options)
        case .webp: header = try WebPDecoder.header(bytes, options: options)
        default: throw .unsupportedFormat(format)
        }
        let isTurned = options.appliesOrientation && Orientation.swapsSides(header.orientation)
        return isTurned ? (header.height, header.width) : (header.width, header.height)
    }
}

/// What a picture's header says of its size.
struct ImageHeader {
    let width: Int
    let height: Int
    /// 1...8 as EXIF has it; 1 where it follows the pixels.
    var orientation = 1
}
