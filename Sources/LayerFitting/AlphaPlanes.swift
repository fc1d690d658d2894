/// The alpha of a stack, a plane a layer, bottom first; the bottom layer has what the others leave.
struct AlphaPlanes {
    let count: Int
    let width: Int
    let height: Int
    /// [count, height, width].
    let buffer: FitBuffer<UInt8>

    var pixels: Int { width * height }

    /// Planes that are filled by whoever made them.
    init(count: Int, width: Int, height: Int) {
        (self.count, self.width, self.height) = (count, width, height)
        buffer = FitBuffer(count: count * width * height)
    }

    /// The alpha of layers of straight RGBA.
    init(_ stack: [[UInt8]], width: Int) {
        self.init(count: stack.count, width: width, height: stack[0].count / 4 / width)
        for (layer, bytes) in stack.enumerated() {
            for pixel in 0..<pixels { buffer.values[layer * pixels + pixel] = bytes[4 * pixel + 3] }
        }
    }

    subscript(layer: Int, pixel: Int) -> UInt8 {
        get { buffer.values[layer * pixels + pixel] }
        nonmutating set { buffer.values[layer * pixels + pixel] = newValue }
    }

    /// What of a pixel is seen of each layer that is, from the top, 0 to 1.
    @inline(__always)
    func forEachVisible(_ pixel: Int, _ body: (_ layer: Int, _ share: Float) -> Void) {
        var left: Float = 1
        var layer = count - 1
        while layer > 0 {
            let alpha = self[layer, pixel]
            if alpha > 0 {
                body(layer, left * Float(alpha) / 255)
                if alpha == 255 { return }
                left *= 1 - Float(alpha) / 255
            }
            layer -= 1
        }
        body(0, left)
    }

    /// What of a pixel is seen of one layer, 0 to 1.
    func visibility(_ pixel: Int, of layer: Int) -> Float {
        (layer == 0 ? 1 : Float(self[layer, pixel]) / 255) * opening(pixel, above: layer)
    }

    /// What of a pixel the layers above one leave, 0 to 1.
    func opening(_ pixel: Int, above layer: Int) -> Float {
        var share: Float = 1
        for upper in layer + 1..<max(count, layer + 1) { share *= 1 - Float(self[upper, pixel]) / 255 }
        return share
    }

    /// The layer of which most of a pixel is seen.
    func mostVisible(_ pixel: Int) -> Int {
        var best: (layer: Int, share: Float) = (0, -1)
        forEachVisible(pixel) { layer, share in if share > best.share { best = (layer, share) } }
        return best.layer
    }

    /// All that is seen of a pixel is this layer's from now on.
    func give(_ pixel: Int, to owner: Int) {
        for upper in owner + 1..<max(count, owner + 1) { self[upper, pixel] = 0 }
        self[owner, pixel] = 255
    }
}
