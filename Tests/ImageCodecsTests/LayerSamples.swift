import ImageCodecs
import Testing

/// Small trees that the tests of formats share.
enum LayerSamples {
    /// A layer with a pattern of its own, no pixel of which is transparent.
    static func layer(
        _ name: String, x: Int, y: Int, width: Int, height: Int, kind: Int = 0, opacity: UInt8 = 255,
        isVisible: Bool = true, blendMode: BlendMode = .normal, isClipped: Bool = false, isOpaque: Bool = false
    ) throws -> ImageLayer {
        var bytes = Pattern.bytes(
            width: width, height: height, channels: 4, kind: kind % 3, seed: UInt32(kind + name.utf8.count))
        for offset in stride(from: 3, to: bytes.count, by: 4) { bytes[offset] = isOpaque ? 255 : bytes[offset] | 1 }
        return ImageLayer(
            name: name, pixels: try PixelBuffer(width: width, height: height, bytes: bytes), x: x, y: y,
            opacity: opacity, isVisible: isVisible, blendMode: blendMode, isClipped: isClipped)
    }

    /// Everything that PSD holds: groups in groups, modes, faint and hidden nodes, clipping, boxes beyond the canvas.
    static func everything() throws -> LayerTree {
        let inner = LayerGroup(
            name: "inner", children: [.layer(try layer("deep", x: 5, y: 6, width: 9, height: 7, kind: 2))],
            opacity: 200, blending: .isolated(.screen))
        let group = LayerGroup(
            name: "Gruppe / 群", children: [
                .layer(try layer("base", x: 3, y: 4, width: 20, height: 15, kind: 1)),
                .layer(try layer("clip", x: 0, y: 0, width: 30, height: 9, blendMode: .multiply, isClipped: true)),
                .group(inner),
            ], blending: .passThrough)
        return try LayerTree(
            width: 40, height: 30,
            nodes: [
                .layer(try layer("background", x: 0, y: 0, width: 40, height: 30, kind: 1, isOpaque: true)),
                .group(group),
                .layer(ImageLayer(name: "empty", pixels: nil)),
                .layer(try layer("outside", x: -7, y: 22, width: 19, height: 20, kind: 2, opacity: 99)),
                .layer(try layer("hidden", x: 1, y: 1, width: 3, height: 3, isVisible: false, blendMode: .overlay)),
                .group(
                    LayerGroup(
                        name: "hidden group", children: [.layer(try layer("in it", x: 0, y: 0, width: 2, height: 2))],
                        isVisible: false, blending: .isolated(.normal))),
            ])
    }

    /// A small stack of what every format holds.
    static func simple() throws -> LayerTree {
        let group = LayerGroup(
            name: "Gruppe & \"群\"", children: [
                .layer(try layer("背景 <🐈>", x: 2, y: 3, width: 7, height: 5, kind: 2, opacity: 128)),
                .layer(try layer("b", x: -2, y: 8, width: 9, height: 9, kind: 1)),
            ])
        return try LayerTree(
            width: 20, height: 14,
            nodes: [
                .layer(try layer("background", x: 0, y: 0, width: 20, height: 14, isOpaque: true)),
                .group(group),
                .layer(try layer("hidden", x: 4, y: 4, width: 3, height: 3, isVisible: false)),
            ])
    }

    /// One layer of every blend mode over the same backdrop, which is not opaque everywhere.
    static func modes() throws -> LayerTree {
        var nodes = [LayerNode.layer(try layer("below", x: 0, y: 0, width: 36, height: 18, kind: 1))]
        for (index, mode) in BlendMode.allCases.enumerated() {
            nodes.append(
                .layer(
                    try layer(
                        mode.rawValue, x: index * 2, y: 1, width: 2, height: 16, kind: index, opacity: 210,
                        blendMode: mode)))
        }
        return try LayerTree(width: 36, height: 18, nodes: nodes)
    }
}

/// Alters a file at will and reads it: an error of one line or a result, never a crash.
func mutate(
    _ file: [UInt8], count: Int, seed: UInt64, repair: (inout [UInt8]) -> Void = { _ in },
    _ read: ([UInt8]) throws(ImageError) -> Void
) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<count {
        var altered = file
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<altered.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: altered[place] = UInt8.random(in: 0...255, using: &random)
            case 1: altered[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: altered[place] = [0, 1, 0x7F, 0x80, 0xFF][Int.random(in: 0..<5, using: &random)]
            case 3: altered.remove(at: place)
            default: altered.insert(0xFF, at: place)
            }
        }
        repair(&altered)
        do throws(ImageError) {
            try read(altered)
        } catch {
            #expect(!error.description.contains("\n"))
        }
    }
}
