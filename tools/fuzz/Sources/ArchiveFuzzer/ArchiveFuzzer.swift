import CFuzzer
import ImageCodecs

/// The input is a ZIP: its entries are read, and it is read as OpenRaster or as layers with a manifest.
///
/// Sums are not repaired: `libFuzzer` finds those of short entries by itself, and `OpenRasterFuzzer` goes around them.
@main
enum ArchiveFuzzer {
    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes, count > 0 else { return 0 }
            ArchiveFuzzer.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
    }

    private static let options = LayerReadOptions(maximumCanvasPixels: 1 << 14, maximumLayerPixels: 1 << 16)
    private static let entryLimit = 1 << 20

    private static func read(_ file: [UInt8]) {
        // The first byte says whether the rest is a manifest alone, which the archive's sums would guard.
        if file[0] == 0x7B {
            guard let manifest = try? LayerManifest(file) else { return }
            let picture = try? PixelBuffer(width: 3, height: 2, red: 9, alpha: 99)
            guard let png = try? picture.map({ try PNGEncoder.encode($0) }) else { return }
            let tree = try? manifest.tree(options: options) { (_) throws(ImageError) in png }
            if let tree { _ = Composite.flatten(tree) }
            return
        }
        guard let archive = try? ZIPReader(file) else { return }
        for name in archive.names {
            precondition(!name.hasPrefix("/") && !name.split(separator: "/").contains(".."))
            guard let bytes = try? archive.read(name, limit: entryLimit) else { continue }
            precondition(bytes.count <= entryLimit)
        }
        if let layers = try? LayerFileReader.readFile(file, options: options) { _ = layers.flattened() }
    }
}
