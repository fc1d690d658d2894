import ImageCodecs
import Testing

@testable import ServiceAPI

@Suite struct LayerNamesTests {
    /// Boxes of a picture of 300 x 300 by the places of its nine parts.
    static func box(_ across: Int, _ down: Int, side: Int = 80) -> ResultManifest.Box {
        ResultManifest.Box(x: 150 + across * 100 - side / 2, y: 150 + down * 100 - side / 2, width: side, height: side)
    }
    static let whole = ResultManifest.Box(x: 0, y: 0, width: 300, height: 300)

    static let cases: [(caption: String?, boxes: [ResultManifest.Box?], names: [String])] = [
        (
            nil, [whole, box(-1, -1), box(0, 0), box(1, 0), box(0, 1), nil, whole],
            [
                "background", "layer 2, top left", "layer 3, center", "layer 4, right", "layer 5, bottom",
                "layer 6, empty", "layer 7, everywhere",
            ]
        ),
        ("a", [whole, box(0, 0)], ["background", "layer 2, center"]),
        ("A red fox in the snow.", [whole, box(0, 0)], ["background", "red fox"]),
        (
            "The image shows a poster. On the left, there is a potted plant, and a woman stands on the right side",
            [whole, box(-1, 0), box(1, 0)], ["background", "potted plant", "woman"]
        ),
        (
            "At the top, the text \"SUMMER, SALE\" is written. In the bottom right corner there is an old car.",
            [whole, box(1, 1), box(0, -1)], ["background", "old car", "text SUMMER, SALE"]
        ),
        // Two layers where the cat might be: neither takes its name.
        (
            "A cat on the left.", [whole, box(-1, 0), box(-1, 1)],
            ["background", "layer 2, left", "layer 3, bottom left"]
        ),
        ("画面中央有一只猫。", [whole, box(0, 0)], ["background", "layer 2, center"]),
        ("On the left, a background", [whole, box(-1, 0)], ["background", "layer 2, left"]),
        ("A dog on the left, a dog on the right", [whole, box(-1, 0), box(1, 0)], ["background", "dog", "dog 2"]),
        (
            "A " + String(repeating: "very", count: 30) + " fox", [nil, box(0, 0)],
            ["background", String(repeating: "very", count: 10)]
        ),
    ]

    @Test(arguments: cases.indices)
    func namesSayWhatOrWhere(_ index: Int) {
        let (caption, boxes, names) = Self.cases[index]
        #expect(LayerNames.names(for: boxes, width: 300, height: 300, caption: caption) == names)
    }

    /// A layer that is split again numbers its parts after itself, not after the picture's other layers.
    @Test(arguments: [
        (0, ["base", "layer 1.2, center", "layer 1.3, everywhere"]),
        (2, ["base", "layer 2.2.2, center", "layer 2.2.3, everywhere"]),
        // The group before it counts as one.
        (3, ["base", "layer 3.2, center", "layer 3.3, everywhere"]),
    ])
    func partsOfALayerAreNumberedAfterIt(_ index: Int, _ names: [String]) throws {
        let pixels = try PixelBuffer(width: 8, height: 8, bytes: [UInt8](repeating: 255, count: 8 * 8 * 4))
        let tree = try LayerTree(
            width: 8, height: 8,
            paths: [([], "background"), (["a"], "base"), (["a"], "b"), ([], "layer 3, center")].map { groups, name in
                (groups, ImageLayer(name: name, pixels: pixels))
            })
        let split = try #require(try LayerSplit(tree, index: index))
        let boxes = [Self.whole, Self.box(0, 0), Self.whole]
        #expect(
            LayerNames.names(for: boxes, width: 300, height: 300, caption: nil, inside: split.number) == names)
    }
}
