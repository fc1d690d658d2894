import CFuzzer
import ImageCodecs

/// The input is the `stack.xml` of an OpenRaster file over two small pictures: the archive's sums would keep a fuzzer
/// from the text.
@main
enum OpenRasterFuzzer {
    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes, count > 0 else { return 0 }
            OpenRasterFuzzer.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
    }

    private static let options = LayerReadOptions(maximumCanvasPixels: 1 << 14, maximumLayerPixels: 1 << 16)

    private static func read(_ stack: [UInt8]) {
        var writer = ZIPWriter()
        guard let picture = try? PixelBuffer(width: 3, height: 2, red: 9, alpha: 99),
            let png = try? PNGEncoder.encode(picture),
            (try? writer.add("mimetype", Array(OpenRasterWriter.mediaType.utf8))) != nil,
            (try? writer.add("stack.xml", stack)) != nil, (try? writer.add("data/a.png", png)) != nil,
            (try? writer.add("data/layer0.png", png)) != nil
        else { preconditionFailure("the archive cannot be written") }
        guard let file = try? LayerFileReader.readFile(writer.finish(), options: options) else { return }
        let tree = file.tree
        _ = file.flattened(.eachLayer)
        let flat = Composite.flatten(tree)
        // What the format has no words for is refused; everything else comes back.
        guard let again = try? OpenRasterWriter.encode(tree),
            let second = try? LayerFileReader.read(again, options: options)
        else { return }
        precondition(Composite.flatten(second) == flat)
    }
}
