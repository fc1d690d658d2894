import ImageCodecs
import Testing

/// The formulas of W3C Compositing and Blending once more, plainly, in double precision.
private enum Plain {
    typealias Color = [Double]

    static func mix(_ mode: BlendMode, _ below: Color, _ above: Color) -> Color {
        switch mode {
        case .hue: setLum(setSat(above, sat(below)), lum(below))
        case .saturation: setLum(setSat(below, sat(above)), lum(below))
        case .color: setLum(above, lum(below))
        case .luminosity: setLum(below, lum(above))
        default: zip(below, above).map { one(mode, $0, $1) }
        }
    }

    static func one(_ mode: BlendMode, _ b: Double, _ s: Double) -> Double {
        switch mode {
        case .multiply: return b * s
        case .screen: return 1 - (1 - b) * (1 - s)
        case .overlay: return one(.hardLight, s, b)
        case .darken: return min(b, s)
        case .lighten: return max(b, s)
        case .colorDodge: return b == 0 ? 0 : s == 1 ? 1 : min(1, b / (1 - s))
        case .colorBurn: return b == 1 ? 1 : s == 0 ? 0 : 1 - min(1, (1 - b) / s)
        case .hardLight: return s <= 0.5 ? one(.multiply, b, 2 * s) : one(.screen, b, 2 * s - 1)
        case .softLight:
            let d = b <= 0.25 ? ((16 * b - 12) * b + 4) * b : b.squareRoot()
            return s <= 0.5 ? b - (1 - 2 * s) * b * (1 - b) : b + (2 * s - 1) * (d - b)
        case .difference: return abs(b - s)
        case .exclusion: return b + s - 2 * b * s
        case .linearDodge: return min(1, b + s)
        case .linearBurn: return max(0, b + s - 1)
        default: return s
        }
    }

    static func lum(_ c: Color) -> Double { 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2] }
    static func sat(_ c: Color) -> Double { (c.max() ?? 0) - (c.min() ?? 0) }

    static func setLum(_ c: Color, _ l: Double) -> Color {
        var c = c.map { $0 + l - lum(c) }
        let (n, x, middle) = (c.min() ?? 0, c.max() ?? 0, lum(c))
        if n < 0 { c = c.map { middle + ($0 - middle) * middle / (middle - n) } }
        if x > 1 { c = c.map { middle + ($0 - middle) * (1 - middle) / (x - middle) } }
        return c
    }

    static func setSat(_ c: Color, _ s: Double) -> Color {
        let (low, high) = (c.min() ?? 0, c.max() ?? 0)
        return high > low ? c.map { ($0 - low) * s / (high - low) } : [0, 0, 0]
    }

    /// A straight source over a straight backdrop; alpha last, all 0...1.
    static func over(_ below: Color, _ above: Color, _ mode: BlendMode) -> Color {
        let (ab, aboveAlpha) = (below[3], above[3])
        let mixed = mix(mode, Array(below[..<3]), Array(above[..<3]))
        let alpha = aboveAlpha + ab * (1 - aboveAlpha)
        guard alpha > 0 else { return [0, 0, 0, 0] }
        var color: [Double] = [0, 0, 0, alpha]
        for channel in 0..<3 {
            let source = (1 - ab) * above[channel] + ab * mixed[channel]
            color[channel] = (aboveAlpha * source + (1 - aboveAlpha) * ab * below[channel]) / alpha
        }
        return color
    }
}

@Suite("Blending")
struct BlendTests {
    private static let width = 64

    private func layer(_ seed: UInt32, _ mode: BlendMode = .normal, opacity: UInt8 = 255) throws -> ImageLayer {
        var bytes = Pattern.bytes(width: Self.width, height: 1, channels: 4, kind: 0, seed: seed)
        // The edges of the formulas: black, white, nothing and everything.
        for (index, value) in [0, 255, 0, 255, 128].enumerated() {
            for channel in 0..<4 { bytes[index * 4 + channel] = UInt8(value) }
            if index < 2 { bytes[index * 4 + 3] = 255 }
        }
        let pixels = try PixelBuffer(width: Self.width, height: 1, bytes: bytes)
        return ImageLayer(name: mode.rawValue, pixels: pixels, opacity: opacity, blendMode: mode)
    }

    private func colors(_ layer: ImageLayer) throws -> [[Double]] {
        let bytes = try #require(layer.pixels).bytes
        return (0..<Self.width).map { pixel in
            (0..<4).map {
                Double(bytes[pixel * 4 + $0]) / 255 * ($0 == 3 ? Double(layer.opacity) / 255 : 1)
            }
        }
    }

    /// The worst distance in levels; colours count as much as their alpha shows of them.
    private func distance(_ nodes: [LayerNode], _ expected: [[Double]]) throws -> Double {
        let flat = Composite.flatten(try LayerTree(width: Self.width, height: 1, nodes: nodes))
        var worst = 0.0
        for (pixel, color) in expected.enumerated() {
            let bytes = flat.bytes[pixel * 4..<pixel * 4 + 4].map(Double.init)
            worst = max(worst, abs(bytes[3] - color[3] * 255))
            guard bytes[3] > 0 else { continue }
            for channel in 0..<3 { worst = max(worst, abs(bytes[channel] - color[channel] * 255) * color[3]) }
        }
        return worst
    }

    @Test("a mode is its formula, with transparency on both sides", arguments: BlendMode.allCases)
    func formula(_ mode: BlendMode) throws {
        for opacity in [255, 77] as [UInt8] {
            let (below, above) = (try layer(3), try layer(11, mode, opacity: opacity))
            let expected = zip(try colors(below), try colors(above)).map { Plain.over($0, $1, mode) }
            #expect(try distance([.layer(below), .layer(above)], expected) < 0.51)
        }
    }

    @Test(
        "greys of every value stay numbers over black and white, so that an opaque layer above covers them",
        arguments: [BlendMode.hue, .saturation, .color, .luminosity])
    func greys(_ mode: BlendMode) throws {
        let bytes = (0...UInt8.max).flatMap { [$0, $0, $0, 255] as [UInt8] }
        let greys = ImageLayer(
            name: "greys", pixels: try PixelBuffer(width: 256, height: 1, bytes: bytes), blendMode: mode)
        let top = ImageLayer(name: "top", pixels: try PixelBuffer(width: 256, height: 1, red: 255, alpha: 255))
        for value in [0, 255] as [UInt8] {
            let below = ImageLayer(
                name: "below",
                pixels: try PixelBuffer(width: 256, height: 1, red: value, green: value, blue: value, alpha: 255))
            let tree = try LayerTree(layers: [below, greys, top])
            #expect(Composite.flatten(tree) == top.pixels)
        }
    }

    @Test("an isolated group blends as one picture; a group that passes through does not matter")
    func groups() throws {
        let (below, middle, top) = (try layer(1), try layer(2, .screen), try layer(5, .multiply))
        let alone = zip(try colors(middle), try colors(top)).map { Plain.over($0, $1, .multiply) }
        let inside: [LayerNode] = [.layer(middle), .layer(top)]
        let isolated = LayerGroup(name: "g", children: inside, opacity: 100, blending: .isolated(.difference))
        let expected = zip(try colors(below), alone).map { below, color in
            Plain.over(below, Array(color[..<3]) + [color[3] * 100 / 255], .difference)
        }
        #expect(try distance([.layer(below), .group(isolated)], expected) < 0.51)
        let through = LayerNode.group(LayerGroup(name: "g", children: inside, blending: .passThrough))
        let plain = Composite.flatten(try LayerTree(width: 64, height: 1, nodes: [.layer(below)] + inside))
        #expect(Composite.flatten(try LayerTree(width: 64, height: 1, nodes: [.layer(below), through])) == plain)
        let hidden = LayerNode.group(LayerGroup(name: "g", children: inside, isVisible: false))
        let bottom = Composite.flatten(try LayerTree(width: 64, height: 1, nodes: [.layer(below)]))
        #expect(Composite.flatten(try LayerTree(width: 64, height: 1, nodes: [.layer(below), hidden])) == bottom)
    }

    @Test("a faint group that passes through goes part of the way")
    func faintThrough() throws {
        let (below, top) = (try layer(1), try layer(5, .multiply))
        let group = LayerNode.group(LayerGroup(name: "g", children: [.layer(top)], opacity: 51, blending: .passThrough))
        let expected = zip(try colors(below), try colors(top)).map { (below, above) -> [Double] in
            let whole = Plain.over(below, above, .multiply)
            let alpha = below[3] + (whole[3] - below[3]) * 0.2
            guard alpha > 0 else { return [0, 0, 0, 0] }
            var color: [Double] = [0, 0, 0, alpha]
            for channel in 0..<3 {
                let (old, new) = (below[channel] * below[3], whole[channel] * whole[3])
                color[channel] = (old * 0.8 + new * 0.2) / alpha
            }
            return color
        }
        #expect(try distance([.layer(below), group], expected) < 0.51)
    }

    @Test("clipped layers keep the shape, opacity and mode of what they are clipped to")
    func clipping() throws {
        let below = try layer(1)
        let base = try layer(9, .screen, opacity: 150)
        var clipped = try layer(5, .multiply)
        clipped.isClipped = true
        var shape = base
        shape.opacity = 255
        var expected: [[Double]] = []
        for (index, above) in try colors(clipped).enumerated() {
            let own = try colors(shape)[index]
            let mixed = Plain.mix(.multiply, Array(own[..<3]), Array(above[..<3]))
            var color: [Double] = [0, 0, 0, own[3] * 150 / 255]
            for channel in 0..<3 { color[channel] = above[3] * mixed[channel] + (1 - above[3]) * own[channel] }
            expected.append(Plain.over(try colors(below)[index], color, .screen))
        }
        let nodes: [LayerNode] = [.layer(below), .layer(base), .layer(clipped)]
        #expect(try distance(nodes, expected) < 0.51)
        var hidden = base
        hidden.isVisible = false
        let bottom = Composite.flatten(try LayerTree(width: 64, height: 1, nodes: [.layer(below)]))
        let without = try LayerTree(width: 64, height: 1, nodes: [.layer(below), .layer(hidden), .layer(clipped)])
        #expect(Composite.flatten(without) == bottom)
    }

    @Test("layers beside and beyond the canvas", arguments: [(-3, -2), (60, 0), (64, 0), (-9, 0), (5, 1), (0, -6)])
    func offsets(_ x: Int, _ y: Int) throws {
        let layer = try LayerSamples.layer("a", x: x, y: y, width: 8, height: 5)
        let flat = Composite.flatten(try LayerTree(width: 64, height: 3, nodes: [.layer(layer)]))
        #expect(try flat == layer.onCanvas(width: 64, height: 3))
        let trimmed = try LayerTree(width: 64, height: 3, nodes: [.layer(layer.trimmed())])
        #expect(flat == Composite.flatten(trimmed))
    }
}
