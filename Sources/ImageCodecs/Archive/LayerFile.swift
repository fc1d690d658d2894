/// Layers as they were read, and the flat picture that their file carries besides them.
public struct LayerFile: Sendable {
    /// Where the flat picture lies; it is decoded when it is asked for.
    enum Merged: Sendable {
        case none
        case photoshop([UInt8], LayerReadOptions)
        case openRaster(ZIPReader, LayerReadOptions)
    }

    /// How far a value may be from the file's flat picture without a word about how that was made.
    private static let tolerance: Float = 1

    /// The layers.
    public let tree: LayerTree
    private let merged: Merged

    /// Layers whose file has no flat picture.
    public init(_ tree: LayerTree) { self.init(tree, .none) }

    init(_ tree: LayerTree, _ merged: Merged) {
        self.tree = tree
        self.merged = merged
    }

    /// The flat picture of the layers, and how it was rounded, which is never `auto`.
    ///
    /// With `auto` the layers are summed exactly first. Only where that is more than a level from the flat picture that
    /// the file carries are they summed in bytes too, and what is near at more pixels is taken: a layer that was edited
    /// since is far in both. A flat picture that cannot be read counts as none.
    public func flattened(_ rounding: Rounding = .auto) -> (pixels: PixelBuffer, rounding: Rounding) {
        if rounding == .eachLayer { return (Composite.flattenInBytes(tree), .eachLayer) }
        let exact = Composite.flatten(tree)
        guard rounding == .auto, let merged = mergedPicture(), merged.isOfSize(of: exact) else { return (exact, .once) }
        let exactCount = farPixels(exact, merged)
        guard exactCount > 0 else { return (exact, .once) }
        let inBytes = Composite.flattenInBytes(tree)
        return farPixels(inBytes, merged) < exactCount ? (inBytes, .eachLayer) : (exact, .once)
    }

    private func mergedPicture() -> PixelBuffer? {
        switch merged {
        case .none: nil
        case .photoshop(let file, let options): try? PSDReader.readMerged(file, options: options)
        case .openRaster(let archive, let options): try? OpenRasterReader.readMerged(archive, options: options)
        }
    }

    /// How many pixels are further than the tolerance from the file's, both over white.
    ///
    /// The colours of a PSD's flat picture lie over white already (Photoshop) or do not (Krita), so that the better
    /// reading counts.
    private func farPixels(_ flat: PixelBuffer, _ merged: PixelBuffer) -> Int {
        var (straight, matted) = (0, 0)
        flat.bytes.withUnsafeBufferPointer { flat in
            merged.bytes.withUnsafeBufferPointer { merged in
                for place in stride(from: 0, to: flat.count, by: PixelBuffer.channels) {
                    let (ours, theirs) = (CompositePixel.read(flat, place), CompositePixel.read(merged, place))
                    let white = ours.overWhite
                    if white.isFar(from: theirs.overWhite, Self.tolerance) { straight += 1 }
                    if white.isFar(from: theirs, Self.tolerance) { matted += 1 }
                }
            }
        }
        return min(straight, matted)
    }
}

extension PixelBuffer {
    fileprivate func isOfSize(of other: PixelBuffer) -> Bool { width == other.width && height == other.height }
}

extension CompositePixel {
    @inline(__always)
    fileprivate static func read(_ bytes: UnsafeBufferPointer<UInt8>, _ place: Int) -> CompositePixel {
        CompositePixel(
            Float(bytes[place]), Float(bytes[place + 1]), Float(bytes[place + 2]), Float(bytes[place + 3]))
    }

    /// A straight colour over white, its alpha beside it.
    @inline(__always)
    fileprivate var overWhite: CompositePixel {
        var result = 255 + (self - 255) * (w / 255)
        result.w = w
        return result
    }

    @inline(__always)
    fileprivate func isFar(from other: CompositePixel, _ tolerance: Float) -> Bool {
        let difference = self - other
        // What single precision leaves of whole levels.
        return any(difference * difference .> (tolerance + 0.01) * (tolerance + 0.01))
    }
}
