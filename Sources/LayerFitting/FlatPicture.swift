import CLayerFitting
import ImageCodecs

/// A drawing that is looked at for its regions.
struct FlatPicture {
    let width: Int
    let height: Int
    /// How many of its pixels lie side by side in one of the model's.
    let scale: Double
    /// [height, width, 4]; only what is opaque is looked at.
    let bytes: [UInt8]

    /// A picture at its own size, which is `scale` times that of the layers that a model made of it.
    init(_ picture: PixelBuffer, scale: Double) {
        bytes = picture.bytes
        (width, height) = (picture.width, picture.height)
        self.scale = max(scale, 1)
    }

    /// A picture at the size of the layers that a model made of it, where a pixel is the mean of what it covers: flat
    /// areas stay flat up to their edges, which filters with a sharper cut surround with waves.
    ///
    /// Throws `ImageError` for a size that is none.
    init(_ picture: PixelBuffer, width: Int, height: Int) throws(ImageError) {
        // Enlarged first where it is the smaller one.
        var picture = picture
        if picture.width < width || picture.height < height {
            picture = try Resampler.resize(
                picture, width: max(width, picture.width), height: max(height, picture.height), filter: .bicubic)
        }
        let plan = FitPlan(
            model: FitPlan.Size(width: width, height: height),
            picture: FitPlan.Size(width: picture.width, height: picture.height))
        let small = GuidePyramid(picture, plan: plan).model
        bytes = Array(UnsafeBufferPointer(start: small.values, count: small.count))
        (self.width, self.height, scale) = (width, height, 1)
    }

    /// True if nothing shows through a pixel.
    func isOpaque(_ pixel: Int) -> Bool { bytes[4 * pixel + 3] == 255 }

    /// Red, green and blue of an opaque pixel.
    func color(_ pixel: Int) -> SIMD3<Float> {
        SIMD3(Float(bytes[4 * pixel]), Float(bytes[4 * pixel + 1]), Float(bytes[4 * pixel + 2]))
    }
}
