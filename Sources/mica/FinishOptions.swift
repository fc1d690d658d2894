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
        help: """
            Make nearly empty alpha empty and nearly opaque alpha opaque, and move specks to the layer below; with a \
            model of flat drawings, such as the built-in one, also regions of one colour to the layer that most of \
            them is seen in.
            """)
    var cleanUp = true

    @Option(
        help: ArgumentHelp(
            "Alpha below this becomes 0, 0 to 64; \(AlphaCleanUp().emptyBelow) if not given.", valueName: "alpha"))
    var emptyBelow: Int?

    @Option(
        help: ArgumentHelp(
            "Alpha above this becomes 255, 191 to 255; \(AlphaCleanUp().opaqueAbove) if not given.",
            valueName: "alpha"))
    var opaqueAbove: Int?

    @Option(
        help: ArgumentHelp(
            "Pieces smaller than this count as specks, in pixels of a 640 x 640 layer; 0 to 10000,"
                + " \(AlphaCleanUp().speckArea) if not given.",
            valueName: "pixels"))
    var speckArea: Int?

    @Option(help: "What becomes of layers that hold nothing: keep or drop.")
    var emptyLayers: LayerFinish.EmptyLayers = .keep

    func validate() throws {
        for (name, value, range) in [
            ("--empty-below", emptyBelow, AlphaCleanUp.emptyRange),
            ("--opaque-above", opaqueAbove, AlphaCleanUp.opaqueRange),
            ("--speck-area", speckArea, AlphaCleanUp.speckRange),
        ] {
            guard let value else { continue }
            guard range.contains(value) else {
                throw ValidationError("\(name) must be \(range.lowerBound) to \(range.upperBound)")
            }
            guard cleanUp else { throw ValidationError("\(name) does not go with --no-clean-up") }
        }
    }

    /// The options as the fitting takes them; `mergesLayers` if the number of layers is left to the picture.
    func finish(mergesLayers: Bool) -> LayerFinish {
        var limits = AlphaCleanUp()
        limits.emptyBelow = emptyBelow ?? limits.emptyBelow
        limits.opaqueAbove = opaqueAbove ?? limits.opaqueAbove
        limits.speckArea = speckArea ?? limits.speckArea
        return LayerFinish(
            fit: fit, cleanUp: cleanUp ? limits : nil, emptyLayers: emptyLayers, mergesLayers: mergesLayers)
    }
}
