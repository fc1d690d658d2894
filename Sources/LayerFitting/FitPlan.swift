/// The sizes through which layers grow to the picture's: the picture halved as often as it stays above the model's
/// size.
struct FitPlan: Equatable {
    struct Size: Equatable {
        let width: Int
        let height: Int
    }

    /// The layers' size.
    let model: Size
    /// From the smallest to the picture's own.
    let sizes: [Size]
    /// Columns and rows of the model for one of `sizes[0]`. Halves of odd sides are rounded up, so that this is not the
    /// quotient of the sides.
    let scaleX: Double
    let scaleY: Double

    /// Up to this many times the model's side is one step.
    private static let largestStep = 1.6

    /// Neither side of the model may be above the picture's.
    init(model: Size, picture: Size) {
        precondition(model.width <= picture.width && model.height <= picture.height, "layers are above the picture")
        self.model = model
        var sizes = [picture]
        var size = picture
        while Double(size.width) > Self.largestStep * Double(model.width)
            || Double(size.height) > Self.largestStep * Double(model.height)
        {
            size = Size(width: (size.width + 1) / 2, height: (size.height + 1) / 2)
            sizes.append(size)
        }
        let pixels = Double(1 << (sizes.count - 1))
        scaleX = pixels * Double(model.width) / Double(picture.width)
        scaleY = pixels * Double(model.height) / Double(picture.height)
        self.sizes = sizes.reversed()
    }

    /// True if there are edges that the model's size does not have.
    var isLarger: Bool { sizes.count > 1 || sizes[0] != model }

    /// True if layers of a size grow to a picture: no side of it is below theirs.
    static func grows(_ width: Int, _ height: Int, to picture: Size) -> Bool {
        picture.width >= width && picture.height >= height && picture != Size(width: width, height: height)
    }

    /// The windows of the linear models, by step: wider where the model's own blur is to be reached over.
    static func radius(ofStep step: Int) -> Int { step < 2 ? 2 : 1 }
}
