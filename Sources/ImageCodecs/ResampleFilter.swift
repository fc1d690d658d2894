/// A way to weigh the pixels around a place; each is bit for bit that of the program it is named after.
public enum ResampleFilter: Sendable, Equatable, CaseIterable {
    /// Pillow's `LANCZOS`: windowed sinc with three lobes.
    case lanczos
    /// Pillow's `BICUBIC`: Keys' cubic with a = -0.5.
    case bicubic
    /// torch's `interpolate(mode="bicubic", antialias=True)` on uint8: the same cubic, but 16-bit weights whose
    /// precision depends on the largest of them, and always the horizontal pass first. Differs from Pillow by 1 in few
    /// places.
    case torchAntialiasedBicubic

    /// Half the width of the filter, in source pixels when enlarging.
    var support: Double {
        switch self {
        case .lanczos: 3
        case .bicubic, .torchAntialiasedBicubic: 2
        }
    }
}
