import CFuzzer
import ImageCodecs

/// The input is a picture's file; which decoder reads it is known by its bytes.
@main
enum PictureFuzzer {
    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes, count > 0 else { return 0 }
            PictureFuzzer.decode(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
    }

    /// Few pixels, so that the time goes into files and not into filling memory.
    private static let options = DecodeOptions(maximumPixels: 1 << 18)

    private static func decode(_ file: [UInt8]) {
        guard let picture = try? ImageDecoder.decode(file, options: options) else { return }
        let pixels = picture.pixels
        precondition(pixels.width >= 1 && pixels.height >= 1)
        precondition(pixels.width * pixels.height <= options.maximumPixels)
        precondition(pixels.bytes.count == pixels.width * pixels.height * 4)
    }
}
