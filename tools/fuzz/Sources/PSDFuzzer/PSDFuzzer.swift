import CFuzzer
import ImageCodecs

/// The input is a PSD or PSB. What is read is composited and written again, and must come back the same.
@main
enum PSDFuzzer {
    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes, count > 0 else { return 0 }
            PSDFuzzer.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
    }

    /// Few pixels, so that the time goes into files and not into filling memory.
    private static let options = LayerReadOptions(maximumCanvasPixels: 1 << 11, maximumLayerPixels: 1 << 13)

    private static func read(_ file: [UInt8]) {
        guard let layers = try? LayerFileReader.readFile(file, options: options) else { return }
        let tree = layers.tree
        precondition(tree.width * tree.height <= options.maximumCanvasPixels)
        _ = layers.flattened()
        let flat = Composite.flatten(tree)
        guard let again = try? PSDWriter.encode(tree),
            let second = try? PSDReader.read(again, options: options)
        else { preconditionFailure("what was read cannot be written and read") }
        precondition(Composite.flatten(second) == flat)
    }
}
