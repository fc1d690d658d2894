/// The pictures that a file of layers names: each is unpacked and decoded once, however often it is named.
struct LayerPictures {
    private var budget: PixelBudget
    private var bytes: ByteBudget
    private let decoding: DecodeOptions
    private var known: [String: PixelBuffer] = [:]

    /// None yet; `decoding` says more of how they are decoded.
    init(_ options: LayerReadOptions, decoding: DecodeOptions = DecodeOptions()) {
        budget = PixelBudget(options)
        bytes = ByteBudget(options)
        self.decoding = decoding
    }

    /// The pixels of a file, which `read` gives the bytes of; `check` may refuse them.
    ///
    /// Pixels count each time, since each layer is drawn. Throws `ImageError`; what is wrong with the picture itself
    /// with `name` before it.
    mutating func pixels(
        of file: String, named name: String, read: (String) throws(ImageError) -> [UInt8],
        check: ([UInt8]) throws(ImageError) -> Void = { (_) throws(ImageError) in }
    ) throws(ImageError) -> PixelBuffer {
        if let pixels = known[file] { return try take(pixels, name) }
        let data = try read(file)
        try bytes.take(data.count)
        try check(data)
        var options = decoding
        options.maximumPixels = budget.remaining
        let pixels: PixelBuffer
        do throws(ImageError) {
            pixels = try ImageDecoder.decode(data, options: options).pixels
        } catch {
            throw .inPicture(name: LayerTree.name(name, orElse: "picture"), error)
        }
        known[file] = pixels
        return try take(pixels, name)
    }

    private mutating func take(_ pixels: PixelBuffer, _ name: String) throws(ImageError) -> PixelBuffer {
        do throws(ImageError) {
            try budget.take(width: pixels.width, height: pixels.height)
        } catch {
            throw .inPicture(name: LayerTree.name(name, orElse: "picture"), error)
        }
        return pixels
    }
}

/// Counts the bytes of pictures' files, unpacked: what is not pixels takes time too.
private struct ByteBudget {
    /// What may be in the files beside pixels that are not compressed at all.
    private static let notes = 64 << 20

    private let limit: Int
    private var count = 0

    init(_ options: LayerReadOptions) {
        limit = min(options.maximumLayerPixels, LayerTree.maximumPixels) * PixelBuffer.channels + Self.notes
    }

    mutating func take(_ more: Int) throws(ImageError) {
        count += more
        guard count <= limit else { throw .inputTooLarge(byteCount: count, limit: limit) }
    }
}
