/// A picture format, known by the first bytes of a file and never by its name.
public enum ImageFormat: String, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    // Read here.
    case png = "PNG"
    case jpeg = "JPEG"
    case webp = "WebP"
    // Recognised, so that the refusal can name them.
    case gif = "GIF"
    case tiff = "TIFF"
    case bmp = "BMP"
    case avif = "AVIF"
    case heif = "HEIF"
    case jpegXL = "JPEG XL"
    case jpeg2000 = "JPEG 2000"
    case photoshop = "Photoshop (PSD)"
    case icon = "ICO"
    case pdf = "PDF"
    case svg = "SVG"
    // Files of layers, which are read by `LayerFileReader`.
    case zip = "ZIP"
    case openRaster = "OpenRaster (ORA)"
    case layerManifest = "manifest.json"

    /// The name that users know it by.
    public var description: String { rawValue }

    /// The media type, as `Content-Type` has it.
    public var mediaType: String {
        switch self {
        case .png: "image/png"
        case .jpeg: "image/jpeg"
        case .webp: "image/webp"
        case .gif: "image/gif"
        case .tiff: "image/tiff"
        case .bmp: "image/bmp"
        case .avif: "image/avif"
        case .heif: "image/heif"
        case .jpegXL: "image/jxl"
        case .jpeg2000: "image/jp2"
        case .photoshop: "image/vnd.adobe.photoshop"
        case .icon: "image/vnd.microsoft.icon"
        case .pdf: "application/pdf"
        case .svg: "image/svg+xml"
        case .zip: "application/zip"
        case .openRaster: OpenRasterWriter.mediaType
        case .layerManifest: "application/json"
        }
    }

    /// The format of a file by its first bytes, or nil if they are of none that is known here.
    public static func detect(_ bytes: [UInt8]) -> ImageFormat? {
        for (format, offset, signature) in signatures where matches(bytes, offset, signature) {
            return format
        }
        if matches(bytes, 0, ascii("RIFF")), matches(bytes, 8, ascii("WEBP")) { return .webp }
        if matches(bytes, 4, ascii("ftyp")) { return isoBaseMediaFormat(bytes) }
        return isSVG(bytes) ? .svg : nil
    }

    /// How far into a text the first element is looked for.
    private static let longestPrologue = 4_096

    /// Whether the first element is SVG's own. Before it may stand an XML declaration and other instructions, comments,
    /// and a document type, which says what the element is: pages in HTML have pictures in SVG inside of them.
    private static func isSVG(_ bytes: [UInt8]) -> Bool {
        var text = String(decoding: bytes.prefix(longestPrologue), as: UTF8.self)[...]
        let type = "<!DOCTYPE"
        while true {
            text = text.drop { $0 == "\u{FEFF}" || $0.isWhitespace }
            if text.hasPrefix(type) {
                return isSVGName(text.dropFirst(type.count).drop(while: \.isWhitespace))
            }
            let end = text.hasPrefix("<?") ? "?>" : text.hasPrefix("<!--") ? "-->" : nil
            guard let end else { return text.hasPrefix("<") && isSVGName(text.dropFirst()) }
            guard let range = text.firstRange(of: end) else { return false }
            text = text[range.upperBound...]
        }
    }

    /// Whether a text begins with the name of SVG's first element, perhaps with a prefix of the same name.
    private static func isSVGName(_ text: Substring) -> Bool {
        let name = text.prefix { !$0.isWhitespace && $0 != ">" && $0 != "/" && $0 != "[" }
        return name == "svg" || name == "svg:svg"
    }

    private static let signatures: [(ImageFormat, Int, [UInt8])] = [
        (.png, 0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        (.jpeg, 0, [0xFF, 0xD8, 0xFF]),
        (.gif, 0, ascii("GIF8")),
        (.tiff, 0, ascii("II*\0")), (.tiff, 0, ascii("MM\0*")), (.tiff, 0, ascii("II+\0")), (.tiff, 0, ascii("MM\0+")),
        (.jpegXL, 0, [0xFF, 0x0A]), (.jpegXL, 4, ascii("JXL ")),
        (.jpeg2000, 4, ascii("jP  ")), (.jpeg2000, 0, [0xFF, 0x4F, 0xFF, 0x51]),
        (.photoshop, 0, ascii("8BPS")),
        (.icon, 0, [0, 0, 1, 0]),
        (.pdf, 0, ascii("%PDF")),
        (.zip, 0, ascii("PK\u{3}\u{4}")),
        (.bmp, 0, ascii("BM")),
    ]

    /// The brand after `ftyp` tells AVIF from the HEIF family; other brands are films.
    private static func isoBaseMediaFormat(_ bytes: [UInt8]) -> ImageFormat? {
        if matches(bytes, 8, ascii("avif")) || matches(bytes, 8, ascii("avis")) { return .avif }
        let heifBrands = ["heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"]
        return heifBrands.contains { matches(bytes, 8, ascii($0)) } ? .heif : nil
    }

    private static func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func matches(_ bytes: [UInt8], _ offset: Int, _ signature: [UInt8]) -> Bool {
        bytes.count >= offset + signature.count && bytes[offset..<offset + signature.count].elementsEqual(signature)
    }
}
