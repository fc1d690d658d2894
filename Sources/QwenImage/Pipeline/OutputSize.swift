import ImageCodecs

/// The size of a result: the model's resolution as an area, at the picture's aspect.
///
/// Source: diffusers `pipeline_qwenimage_layered.py`, `calculate_dimensions`.
struct OutputSize: Sendable, Equatable {
    let width: Int
    let height: Int

    /// Sides are multiples of this, unless the model says otherwise (`ModelDefaults.sizeMultiple`).
    static let usualMultiple = 32

    /// Of a picture of this size, decoded.
    var byteCount: Int { width * height * 4 }

    /// A size that is known.
    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// - Parameters:
    ///   - resolution: side of the square of the same area, in pixels.
    ///   - picture: width and height of the input.
    ///   - multiple: what the sides are multiples of; nil is `usualMultiple`.
    /// - Throws: `parameterOutOfRange` if the picture is so long and narrow that a side vanishes.
    init(
        resolution: Int, pictureWidth: Int, pictureHeight: Int, multiple: Int? = nil
    ) throws(PipelineError) {
        let multiple = Double(multiple ?? Self.usualMultiple)
        let ratio = Double(pictureWidth) / Double(pictureHeight)
        let exactWidth = (Double(resolution * resolution) * ratio).squareRoot()
        let exactHeight = exactWidth / ratio
        // Half to even, as Python rounds.
        width = Int((exactWidth / multiple).rounded(.toNearestOrEven) * multiple)
        height = Int((exactHeight / multiple).rounded(.toNearestOrEven) * multiple)
        guard width > 0, height > 0 else {
            throw .parameterOutOfRange(
                name: "the picture's aspect ratio", value: "\(pictureWidth):\(pictureHeight)",
                range: "less extreme at resolution \(resolution); crop the picture or ask for a higher resolution")
        }
    }
}
