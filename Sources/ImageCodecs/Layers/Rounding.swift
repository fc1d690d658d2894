/// When the sums of a stack of layers become bytes.
///
/// Programs differ: GIMP, psd-tools and Photoshop round once, Krita after each layer and group, so that a pixel of a
/// stack with blend modes may be several levels apart.
public enum Rounding: String, Sendable, CaseIterable {
    /// As the program that saved the file did, by the flat picture that the file carries; once where it has none.
    case auto
    /// Once, at the end.
    case once
    /// After each layer and group, in Krita's arithmetic.
    case eachLayer = "each-layer"
}
