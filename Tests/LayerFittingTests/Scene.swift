import ImageCodecs

/// A small generator, so that tests do the same each time.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &+ 0x9E37_79B9_7F4A_7C15
    }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9
    }
}

/// A drawn picture whose layers are known: a ground with a gradient, discs with a sharp edge each, a soft one on top.
struct Scene {
    let layers: [PixelBuffer]

    /// The flat picture.
    var picture: PixelBuffer { get throws { try Pixels.flattened(layers) } }

    /// Three layers; the ground lets through what `clear` says (0 nothing ... 255 all of it in one half).
    init(width: Int, height: Int, seed: UInt64, clear: UInt8 = 0, isGrey: Bool = false) throws {
        var numbers = Numbers(seed: seed)
        func color() -> [Double] {
            let color = (0..<3).map { _ in Double.random(in: 0...255, using: &numbers) }
            return isGrey ? [color[0], color[0], color[0]] : color
        }
        let (left, right, glow) = (color(), color(), color())
        // An edge between equal colours could not be found.
        let disc = zip(left, right).map { $0 + $1 > 255 ? 20.0 : 235.0 }
        let (w, h) = (Double(width), Double(height))
        let radius = min(w, h) * 0.3
        layers = [
            try Pixels.drawn(width, height) { x, y in
                let share = x / w
                let grain = (x * 12.9898 + y * 78.233).truncatingRemainder(dividingBy: 7)
                return (
                    (0..<3).map { left[$0] + share * (right[$0] - left[$0]) + grain },
                    x < w / 2 ? 255 - Double(clear) : 255
                )
            },
            try Pixels.drawn(width, height) { x, y in
                let distance = ((x - w * 0.4) * (x - w * 0.4) + (y - h * 0.5) * (y - h * 0.5)).squareRoot()
                return (disc, (radius - distance + 0.5) * 255)
            },
            try Pixels.drawn(width, height) { x, y in
                let distance = ((x - w * 0.6) * (x - w * 0.6) + (y - h * 0.4) * (y - h * 0.4)).squareRoot()
                return (glow, (1 - distance / (radius * 1.5)) * 300)
            },
        ]
    }

    /// The layers as a model would give them at another size.
    func decomposed(width: Int, height: Int) throws -> [PixelBuffer] {
        try layers.map { try Resampler.resize($0, width: width, height: height, filter: .bicubic) }
    }
}

/// Pixels in tests.
enum Pixels {
    /// A picture of what `paint` gives for the middle of each pixel: colour and alpha, 0...255, clipped.
    static func drawn(
        _ width: Int, _ height: Int, _ paint: (_ x: Double, _ y: Double) -> ([Double], Double)
    ) throws -> PixelBuffer {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(width * height * 4)
        for y in 0..<height {
            for x in 0..<width {
                let (color, alpha) = paint(Double(x) + 0.5, Double(y) + 0.5)
                for value in color + [alpha] { bytes.append(UInt8(min(max(value, 0), 255).rounded())) }
            }
        }
        return try PixelBuffer(width: width, height: height, bytes: bytes)
    }

    static func noise(_ width: Int, _ height: Int, seed: UInt64) throws -> PixelBuffer {
        var numbers = Numbers(seed: seed)
        let bytes = (0..<width * height * 4).map { _ in UInt8.random(in: 0...255, using: &numbers) }
        return try PixelBuffer(width: width, height: height, bytes: bytes)
    }

    /// Source-over over nothing, in floating point, rounded once.
    static func flattened(_ layers: [PixelBuffer]) throws -> PixelBuffer {
        Composite.flatten(try LayerTree(layers: layers.map { ImageLayer(name: "layer", pixels: $0) }))
    }

    /// Source-over as programs do it that keep 8 bits after each layer.
    static func flattenedInSteps(_ layers: [PixelBuffer]) throws -> PixelBuffer {
        var flat = layers[0]
        for layer in layers.dropFirst() { flat = try flattened([flat, layer]) }
        return flat
    }

    /// The largest difference of a value; colours count only where there is some alpha.
    static func largestDifference(_ first: PixelBuffer, _ second: PixelBuffer) -> Int {
        guard first.width == second.width, first.height == second.height else { return 256 }
        var largest = 0
        for pixel in stride(from: 0, to: first.bytes.count, by: 4) {
            let isClear = first.bytes[pixel + 3] == 0 && second.bytes[pixel + 3] == 0
            for byte in isClear ? pixel + 3..<pixel + 4 : pixel..<pixel + 4 {
                largest = max(largest, abs(Int(first.bytes[byte]) - Int(second.bytes[byte])))
            }
        }
        return largest
    }

    /// Mean difference of alpha.
    static func alphaError(_ first: PixelBuffer, _ second: PixelBuffer) -> Double {
        var sum = 0
        for alpha in stride(from: 3, to: first.bytes.count, by: 4) {
            sum += abs(Int(first.bytes[alpha]) - Int(second.bytes[alpha]))
        }
        return Double(sum) / Double(first.width * first.height)
    }
}
