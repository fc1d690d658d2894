import CLayerFitting
import ImageCodecs

/// A picture at the size of the layers that a model made of it, where a pixel is the mean of what it covers: flat areas
/// stay flat up to their edges, which filters with a sharper cut surround with waves.
struct SmallPicture {
    let width: Int
    let height: Int
    /// [height, width, 4], premultiplied.
    let bytes: FitBuffer<UInt8>

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
        bytes = GuidePyramid(picture, plan: plan).model
        (self.width, self.height) = (width, height)
    }

    /// True if nothing shows through a pixel.
    func isOpaque(_ pixel: Int) -> Bool { bytes.values[4 * pixel + 3] == 255 }

    /// Red, green and blue of an opaque pixel.
    func color(_ pixel: Int) -> SIMD3<Float> {
        SIMD3(Float(bytes.values[4 * pixel]), Float(bytes.values[4 * pixel + 1]), Float(bytes.values[4 * pixel + 2]))
    }
}
