/// Layers as they were read, and the flat picture that their file carries besides them.
public struct LayerFile: Sendable {
    /// Where the flat picture lies; it is decoded when it is asked for.
    enum Merged: Sendable {
        case none
        case photoshop([UInt8], LayerReadOptions)
        case openRaster(ZIPReader, LayerReadOptions)
    }

    /// The layers.
    public let tree: LayerTree
    private let merged: Merged

    /// Layers whose file has no flat picture.
    public init(_ tree: LayerTree) { self.init(tree, .none) }

    init(_ tree: LayerTree, _ merged: Merged) {
        self.tree = tree
        self.merged = merged
    }

    /// The flat picture of the layers.
    ///
    /// With `auto` the layers are summed exactly first. Only where that is further from the flat picture that the file
    /// carries than rounding explains are they summed in bytes too, and what is near at more pixels is taken: a layer
    /// that was edited since is far in both. What is left of the difference is told. A flat picture that cannot be read
    /// counts as none.
    public func flattened(_ rounding: Rounding = .auto) -> FlatLayers {
        guard let flat = flattened(rounding, isCancelled: { false }) else { preconditionFailure("nobody cancels") }
        return flat
    }

    /// As `flattened`, for work that may be given up: nil soon after `isCancelled` says so, which it then does to the
    /// end. It is asked on several threads.
    public func flattened(_ rounding: Rounding, isCancelled: @Sendable () -> Bool) -> FlatLayers? {
        let flat: FlatLayers
        switch rounding {
        case .eachLayer: flat = sum(.eachLayer, nil, isCancelled)
        case .once: flat = sum(.once, nil, isCancelled)
        case .auto:
            let merged = mergedPicture()
            let exact = sum(.once, merged, isCancelled)
            if let far = exact.difference, !isCancelled() {
                let inBytes = sum(.eachLayer, merged, isCancelled)
                flat = (inBytes.difference?.pixelShare ?? 0) < far.pixelShare ? inBytes : exact
            } else {
                flat = exact
            }
        }
        return isCancelled() ? nil : flat
    }

    private func sum(_ rounding: Rounding, _ merged: PixelBuffer?, _ isCancelled: @Sendable () -> Bool) -> FlatLayers {
        let pixels =
            rounding == .eachLayer
            ? Composite.flattenInBytes(tree, isCancelled: isCancelled)
            : Composite.flatten(tree, isCancelled: isCancelled)
        let compared = merged.flatMap { $0.isOfSize(of: pixels) && !isCancelled() ? $0 : nil }
        return FlatLayers(
            pixels: pixels, rounding: rounding, difference: compared.flatMap { difference(pixels, $0) })
    }

    private func mergedPicture() -> PixelBuffer? {
        switch merged {
        case .none: nil
        case .photoshop(let file, let options): try? PSDReader.readMerged(file, options: options)
        case .openRaster(let archive, let options): try? OpenRasterReader.readMerged(archive, options: options)
        }
    }

    /// What is further than the tolerance from the file's, both over white; nil if nothing is.
    ///
    /// The colours of a PSD's flat picture lie over white already (Photoshop) or do not (Krita), so that the better
    /// reading counts.
    private func difference(_ flat: PixelBuffer, _ merged: PixelBuffer) -> FlatLayers.Difference? {
        var (straight, matted) = (Distance(), Distance())
        flat.bytes.withUnsafeBufferPointer { flat in
            merged.bytes.withUnsafeBufferPointer { merged in
                for place in stride(from: 0, to: flat.count, by: PixelBuffer.channels) {
                    let (ours, theirs) = (CompositePixel.read(flat, place), CompositePixel.read(merged, place))
                    let white = ours.overWhite
                    // Of a straight colour both its own rounding and its alpha's show over white.
                    let isOpaque = ours.w == 255 && theirs.w == 255
                    straight.add(white - theirs.overWhite, isOpaque ? .ofOneStraight : .ofBothStraight)
                    matted.add(white - theirs, .ofOneStraight)
                }
            }
        }
        let nearer = straight.farCount <= matted.farCount ? straight : matted
        guard nearer.farCount > 0 else { return nil }
        return FlatLayers.Difference(
            pixelShare: Double(nearer.farCount) / Double(flat.width * flat.height),
            levels: Int(nearer.largest.squareRoot().rounded()))
    }
}

/// How far pixels are from others.
private struct Distance {
    /// The square of how far a value may be from the file's flat picture by rounding alone, and of what single
    /// precision leaves of whole levels.
    struct Tolerance {
        let square: Float

        private init(levels: Float) {
            square = (levels + 0.01) * (levels + 0.01)
        }

        /// A straight colour over white is off by half a level for itself and half a one for its alpha, one that lies
        /// over white already, or under an alpha of 255 that is one, by half a level.
        static let ofOneStraight = Tolerance(levels: 1.5)
        static let ofBothStraight = Tolerance(levels: 2)
    }

    var farCount = 0
    /// The square of the largest difference.
    var largest: Float = 0

    @inline(__always)
    mutating func add(_ difference: CompositePixel, _ tolerance: Tolerance) {
        let squares = difference * difference
        // Not the standard library's `max()`, which stays generic code.
        let square = Swift.max(Swift.max(squares.x, squares.y), Swift.max(squares.z, squares.w))
        guard square > tolerance.square else { return }
        farCount += 1
        largest = Swift.max(largest, square)
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
}
