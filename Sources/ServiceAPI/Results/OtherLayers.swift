import ImageCodecs

/// The layers of a result beside the one of them that is split: they are there during all of the job, and are written
/// again with what the one becomes.
public struct OtherLayers: Sendable, Equatable {
    /// How many there are.
    public let count: Int
    /// Bytes of their pixels, without what is transparent around them where that is known.
    public let pixelBytes: Int
    /// Bytes that are held during the job: their pixels, those of the layer that is split, and the files of all.
    public let heldBytes: Int
    /// The canvas of all of them, in pixels.
    public let width: Int
    public let height: Int

    init(count: Int, pixelBytes: Int, heldBytes: Int, width: Int, height: Int) {
        self.count = count
        self.pixelBytes = pixelBytes
        self.heldBytes = heldBytes
        self.width = width
        self.height = height
    }

    /// Those of a layer that is split now; `fileBytes` of the files that they were read from are held too.
    public init(_ split: LayerSplit, fileBytes: Int = 0) {
        let sizes = split.tree.layers.map { $0.pixels?.bytes.count ?? 0 }
        let all = sizes.reduce(0, +)
        self.init(
            count: sizes.count - 1, pixelBytes: all - sizes[split.index], heldBytes: all + fileBytes,
            width: split.tree.width, height: split.tree.height)
    }

    /// The most bytes that they become in a PSD, entries aside: no more rows than the canvas has, each with its length
    /// and a byte for every 128 and the rest.
    var largestPhotoshopBytes: Int {
        let rows = PixelBuffer.channels * count * height
        return pixelBytes + pixelBytes / 128 + rows * (1 + MemoryLayout<UInt32>.size)
    }
}
