import ImageCodecs
import Testing

/// What is not one whole picture of an allowed size, and the line that a user reads then.
@Suite("Refusals")
struct DecoderRefusalTests {
    private func refusal(_ bytes: [UInt8], _ options: DecodeOptions = DecodeOptions()) -> ImageError? {
        do {
            _ = try ImageDecoder.decode(bytes, options: options)
            return nil
        } catch {
            return error
        }
    }

    @Test("no bytes, no picture")
    func notPictures() {
        #expect(refusal([]) == .emptyInput)
        #expect(refusal(Array("hello, this is text".utf8)) == .notAPicture)
        #expect(refusal(Array("<?xml version='1.0'?><html/>".utf8)) == .notAPicture)
        // A page has pictures in SVG inside of it.
        for page in [
            "<!DOCTYPE html><html><body><svg xmlns", "<!-- <svg> --><html><svg>", "<?xml version='1.0'?><a><svg/></a>",
            "<svgz>", "<!-- <svg",
        ] {
            #expect(refusal(Array(page.utf8)) == .notAPicture, "\(page)")
        }
        #expect(refusal([0x89]) == .notAPicture)
        #expect(refusal([UInt8](repeating: 0, count: 1_000)) == .notAPicture)
    }

    private static let otherFormats: [(String, ImageFormat)] = [
        ("GIF89a", .gif), ("II*\0", .tiff), ("MM\0*", .tiff), ("BM1234", .bmp), ("\0\0\0 ftypavif", .avif),
        ("\0\0\0 ftypheic", .heif), ("\0\0\0\u{0C}JXL ", .jpegXL), ("\0\0\0\u{0C}jP  ", .jpeg2000),
        ("8BPS\0\u{1}", .photoshop), ("%PDF-1.7", .pdf), ("<svg xmlns", .svg),
        ("<?xml version='1.0'?>\n<!-- made -->\n<svg xmlns", .svg), ("\u{FEFF} <!DOCTYPE svg><svg>", .svg),
        ("<!DOCTYPE svg PUBLIC '-//W3C' [ <!ENTITY a 'b'> ]>", .svg), ("<?a b?><svg:svg xmlns:svg", .svg),
        ("PK\u{3}\u{4}", .zip),
        ("\0\0\u{1}\0", .icon),
    ]

    @Test("formats that are not read are named", arguments: otherFormats)
    func namesFormats(_ text: String, _ format: ImageFormat) {
        let bytes = Array(text.utf8)
        #expect(refusal(bytes) == .unsupportedFormat(format))
        #expect(refusal(bytes)?.description.contains(format.rawValue) == true)
    }

    @Test("an animation is refused with its number of frames")
    func animation() throws {
        #expect(try refusal(Fixture.bytes("decode/animated.webp")) == .animated(.webp, frames: 2))
    }

    @Test("an animated PNG is no single picture, one of one frame is", arguments: [1, 2])
    func animatedPNG(_ frames: UInt8) throws {
        var bytes = try Fixture.bytes("decode/rgb8.png")
        let body = Array("acTL".utf8) + [0, 0, 0, frames, 0, 0, 0, 0]
        let sum = crc32(body)
        bytes.insert(
            contentsOf: [0, 0, 0, 8] + body + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32($0))) },
            at: 33)
        #expect(refusal(bytes) == (frames > 1 ? .animated(.png, frames: 2) : nil))
    }

    @Test("files of layers are sent to where they are read", arguments: ["8BPS\0\u{1}", "PK\u{3}\u{4}"])
    func layersAreNamed(_ text: String) {
        #expect(refusal(Array(text.utf8))?.description.contains("recompose") == true)
    }

    @Test("limits are the caller's, and checked by the header", arguments: ["rgb8.png", "grey.jpg", "lossy.webp"])
    func limits(_ file: String) throws {
        let bytes = try Fixture.bytes("decode/" + file)
        let image = try ImageDecoder.decode(bytes).pixels
        let (width, height) = (image.width, image.height)
        #expect(
            refusal(bytes, DecodeOptions(maximumSide: width - 1))
                == .sideTooLong(width: width, height: height, limit: width - 1))
        #expect(
            refusal(bytes, DecodeOptions(maximumPixels: width * height - 1))
                == .tooManyPixels(width: width, height: height, limit: width * height - 1))
        #expect(
            refusal(bytes, DecodeOptions(maximumByteCount: bytes.count - 1))
                == .inputTooLarge(byteCount: bytes.count, limit: bytes.count - 1))
        let exact = DecodeOptions(maximumByteCount: bytes.count, maximumPixels: width * height, maximumSide: width)
        #expect(refusal(bytes, exact) == nil)
    }

    @Test("limits cannot be raised above the service's own")
    func limitsStay() throws {
        var bytes = try Fixture.bytes("decode/rgb8.png")
        bytes[16...19] = [0, 0, 0x40, 0x01]
        let crc = crc32(Array(bytes[12..<29]))
        for index in 0..<4 { bytes[29 + index] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * UInt32(index))) }
        let generous = DecodeOptions(maximumByteCount: .max, maximumPixels: .max, maximumSide: .max)
        #expect(refusal(bytes, generous) == .sideTooLong(width: 16_385, height: 9, limit: 16_384))
        bytes[16...23] = [0, 0, 0x40, 0, 0, 0, 0x40, 0]
        let square = crc32(Array(bytes[12..<29]))
        for index in 0..<4 { bytes[29 + index] = UInt8(truncatingIfNeeded: square >> (24 - 8 * UInt32(index))) }
        #expect(refusal(bytes, generous) == .tooManyPixels(width: 16_384, height: 16_384, limit: 50_000_000))
    }

    @Test("every error is one line")
    func oneLine() throws {
        let errors: [ImageError] = [
            .emptyInput, .notAPicture, .unsupportedFormat(.gif), .unsupportedFeature(.jpeg, detail: "x"),
            .truncated(.png), .damaged(.png, detail: "x"), .animated(.webp, frames: 2),
            .inputTooLarge(byteCount: 2, limit: 1), .sideTooLong(width: 2, height: 1, limit: 1),
            .tooManyPixels(width: 2, height: 1, limit: 1), .invalidSize(width: 0, height: 1, limit: 1),
            .byteCountMismatch(expected: 4, actual: 3), .countOutOfRange(what: "layers", count: 0, limit: 9),
            .noPicture(number: 3, count: 2), .invalidName("a", reason: "x"),
            .outputTooLarge(format: "PSD", limit: "2 GB"),
            .codecFailure(operation: "x", detail: "y"), .tooMuchToDraw(pixels: 2, limit: 1),
            .inPicture(name: "a", .truncated(.png)),
        ]
        for error in errors {
            #expect(!error.description.isEmpty)
            #expect(!error.description.contains("\n"))
        }
    }

    @Test("a JPEG of more scans than allowed is refused", arguments: [(0, true), (1, false)])
    func scans(_ extra: Int, _ isRead: Bool) {
        // 99 scans of one coefficient after the first one are allowed, one more is not.
        let error = refusal(ManyScans.jpeg(scanCount: DecodeOptions.maximumScans + extra))
        #expect((error == nil) == isRead)
        if !isRead {
            #expect(error == .unsupportedFeature(.jpeg, detail: "it has more than 100 scans"))
        }
    }
}

/// A progressive JPEG of one black block, whose coefficients come one a scan.
enum ManyScans {
    static func jpeg(scanCount: Int) -> [UInt8] {
        var bytes: [UInt8] = [0xFF, 0xD8]
        bytes += [0xFF, 0xDB, 0, 67, 0] + [UInt8](repeating: 1, count: 64)
        bytes += [0xFF, 0xC2, 0, 17, 8, 0, 8, 0, 8, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
        // One code of one bit: for DC no difference, for AC the end of the block.
        let lengths: [UInt8] = [1] + [UInt8](repeating: 0, count: 15)
        bytes += [0xFF, 0xC4, 0, 20, 0x00] + lengths + [0]
        bytes += [0xFF, 0xC4, 0, 20, 0x10] + lengths + [0]
        bytes += [0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0, 0x1F]
        for scan in 0..<scanCount - 1 {
            let component = UInt8(1 + scan / 63)
            let coefficient = UInt8(1 + scan % 63)
            bytes += [0xFF, 0xDA, 0, 8, 1, component, 0, coefficient, coefficient, 0, 0x7F]
        }
        return bytes + [0xFF, 0xD9]
    }
}
