import ImageCodecs

/// Makes the vision tower's patches from a picture.
///
/// Source: transformers 5.23, `models/qwen2_vl/image_processing_qwen2_vl.py`.
struct ImagePreprocessor: Sendable {
    let configuration: ImagePreprocessorConfiguration

    /// Patches of a picture.
    struct Patches: Sendable, Equatable {
        /// [patches, 3 * frames * side * side], row-major. Patches are in raster order of the merged tokens, and within
        /// a token in raster order of its own; a patch has channels outermost, then frames, then rows.
        let pixelValues: [Float]
        let grid: PatchGrid
    }

    /// The longest side a picture may have for each pixel of the shorter one.
    static let aspectLimit = 200

    /// Composites the picture over white, resizes it (bicubic) to a multiple of a merged token, normalises it and cuts
    /// it.
    ///
    /// Throws `parameterOutOfRange` for a picture that is more than 200 times as long as it is short, or too large to
    /// resize.
    func callAsFunction(_ image: PixelBuffer) throws(PipelineError) -> Patches {
        let (height, width) = try smartResize(height: image.height, width: image.width)
        let opaque = Composite.overWhite(image)
        var resized = opaque
        if height != image.height || width != image.width {
            do {
                resized = try Resampler.resize(opaque, width: width, height: height, filter: .torchAntialiasedBicubic)
            } catch {
                throw .parameterOutOfRange(
                    name: "image", value: "\(image.width)x\(image.height)", range: "small enough to resize: \(error)")
            }
        }
        return cut(resized)
    }

    /// The size that a picture is resized to: sides that are multiples of a merged token, and pixels within the
    /// configuration's bounds.
    func smartResize(height: Int, width: Int) throws(PipelineError) -> (height: Int, width: Int) {
        let long = Double(max(height, width))
        let short = Double(min(height, width))
        guard short > 0, long / short <= Double(Self.aspectLimit) else {
            throw .parameterOutOfRange(
                name: "image", value: "\(width)x\(height)",
                range: "at most \(Self.aspectLimit) times as long as it is short")
        }
        let factor = Double(configuration.patchSize * configuration.mergeSize)
        let (high, wide) = (Double(height), Double(width))
        var result = (
            height: (high / factor).rounded(.toNearestOrEven) * factor,
            width: (wide / factor).rounded(.toNearestOrEven) * factor
        )
        if result.height * result.width > Double(configuration.maxPixels) {
            let beta = (high * wide / Double(configuration.maxPixels)).squareRoot()
            result.height = max(factor, (high / beta / factor).rounded(.down) * factor)
            result.width = max(factor, (wide / beta / factor).rounded(.down) * factor)
        } else if result.height * result.width < Double(configuration.minPixels) {
            let beta = (Double(configuration.minPixels) / (high * wide)).squareRoot()
            result.height = (high * beta / factor).rounded(.up) * factor
            result.width = (wide * beta / factor).rounded(.up) * factor
        }
        return (Int(result.height), Int(result.width))
    }

    /// Normalises a picture whose sides are multiples of a merged token, and cuts it into patches.
    func cut(_ image: RGBBuffer) -> Patches {
        let side = configuration.patchSize
        let merge = configuration.mergeSize
        let grid = PatchGrid(height: image.height / side, width: image.width / side, mergeSize: merge)
        let planes = normalizedValues()
        var values: [Float] = []
        values.reserveCapacity(grid.patchCount * 3 * configuration.temporalPatchSize * side * side)
        for tokenRow in 0..<grid.mergedHeight {
            for tokenColumn in 0..<grid.mergedWidth {
                for row in (tokenRow * merge)..<((tokenRow + 1) * merge) {
                    for column in (tokenColumn * merge)..<((tokenColumn + 1) * merge) {
                        appendPatch(of: image, top: row * side, left: column * side, planes, to: &values)
                    }
                }
            }
        }
        return Patches(pixelValues: values, grid: grid)
    }

    private func appendPatch(
        of image: RGBBuffer, top: Int, left: Int, _ planes: [[Float]], to values: inout [Float]
    ) {
        let side = configuration.patchSize
        for channel in 0..<3 {
            let normalized = planes[channel]
            for _ in 0..<configuration.temporalPatchSize {
                for row in top..<(top + side) {
                    var index = (row * image.width + left) * 3 + channel
                    for _ in 0..<side {
                        values.append(normalized[Int(image.bytes[index])])
                        index += 3
                    }
                }
            }
        }
    }

    /// For each channel what the values 0...255 become. Rescaling is folded into mean and deviation first, in float32,
    /// as the reference does.
    private func normalizedValues() -> [[Float]] {
        let scale = Float(1 / configuration.rescaleFactor)
        return (0..<3).map { channel in
            let mean = Float(configuration.imageMean[channel]) * scale
            let deviation = Float(configuration.imageStd[channel]) * scale
            return (0...255).map { (Float($0) - mean) / deviation }
        }
    }
}
