/// How a PNG is written.
public struct PNGOptions: Sendable, Equatable {
    /// Which channels the file has.
    public enum ColorType: Sendable {
        /// Always alpha.
        case rgba
        /// Never alpha: the colours as they are.
        case rgb
        /// Alpha unless every pixel is opaque.
        case automatic
    }

    /// A note inside the file, such as `parameters` with how the picture was made.
    public struct Text: Sendable, Equatable {
        /// 1 to 79 characters of Latin-1.
        public var key: String
        /// Any text; written as `iTXt` if it is not Latin-1.
        public var value: String

        /// A note.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The most bytes of one note.
    public static let maximumTextByteCount = 1 << 20
    /// The most notes.
    public static let maximumTexts = 64

    /// Which channels the file has.
    public var colorType: ColorType
    /// Whether colour under alpha 0 becomes 0: nobody sees it, and the file gets several times smaller.
    public var clearsTransparentColor: Bool
    /// Notes, in file order.
    public var texts: [Text]
    /// What the file says about print size (`pHYs`), at least 1.
    public var dotsPerInch: Int

    /// Options; the defaults are those of layers.
    public init(
        colorType: ColorType = .rgba, clearsTransparentColor: Bool = true, texts: [Text] = [], dotsPerInch: Int = 300
    ) {
        self.colorType = colorType
        self.clearsTransparentColor = clearsTransparentColor
        self.texts = texts
        self.dotsPerInch = dotsPerInch
    }
}
