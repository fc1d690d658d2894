import ArgumentParser
import LayerFitting

extension LayerFinish.Fit: ExpressibleByArgument {}
extension LayerFinish.EmptyLayers: ExpressibleByArgument {}

/// What is done to the model's layers, as command-line options.
struct FinishOptions: ParsableArguments {
    @Option(
        help: """
            original: layers of the picture's size and sharpness, which put together are the picture; model: layers of \
            the model's size.
            """)
    var fit: LayerFinish.Fit = .original

    @Flag(
        inversion: .prefixedNo,
        help: "Make nearly empty alpha empty and nearly opaque alpha opaque, and move specks to the layer below.")
    var cleanUp = true

    @Option(help: ArgumentHelp("Alpha below this becomes 0, 0 to 64.", valueName: "alpha"))
    var emptyBelow = AlphaCleanUp().emptyBelow

    @Option(help: ArgumentHelp("Alpha above this becomes 255, 191 to 255.", valueName: "alpha"))
    var opaqueAbove = AlphaCleanUp().opaqueAbove

    @Option(
        help: ArgumentHelp(
            "Pieces smaller than this count as specks, in pixels of a 640 x 640 layer; 0 to 10000.",
            valueName: "pixels"))
    var speckArea = AlphaCleanUp().speckArea

    @Option(help: "What becomes of layers that hold nothing: keep or drop.")
    var emptyLayers: LayerFinish.EmptyLayers = .keep

    func validate() throws {
        for (name, value, range) in [
            ("--empty-below", emptyBelow, AlphaCleanUp.emptyRange),
            ("--opaque-above", opaqueAbove, AlphaCleanUp.opaqueRange),
            ("--speck-area", speckArea, AlphaCleanUp.speckRange),
        ] where !range.contains(value) {
            throw ValidationError("\(name) must be \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// The options as the fitting takes them; `mergesLayers` if the number of layers is left to the picture.
    func finish(mergesLayers: Bool) -> LayerFinish {
        LayerFinish(
            fit: fit,
            cleanUp: cleanUp
                ? AlphaCleanUp(emptyBelow: emptyBelow, opaqueAbove: opaqueAbove, speckArea: speckArea) : nil,
            emptyLayers: emptyLayers, mergesLayers: mergesLayers)
    }
}
