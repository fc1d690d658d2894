/// What makes values of the elements of a matrix [N, K] that is stored in 8 or 4 bits.
///
/// `value[n, k] = scale * element[n, k]`, with one scale for all, one a row, or one for each 64 elements of a row. With
/// a rotation, what comes out of that is the matrix times `HadamardRotation` along K, and inputs are rotated before
/// they are multiplied with it.
///
/// Elements are `float8_e4m3fn`, `float8_e5m2`, `int8`, or `int4`. A row of int4 takes (K + 1) / 2 bytes: for each
/// group of G = 64 elements (fewer at the end of a row) H = (G + 1) / 2 bytes, of which byte i has element i in its low
/// half and element H + i in its high half, each as element + 8.
public final class Quantization: Sendable {
    /// Elements that share a scale in a row of int4.
    public static let groupSize = 64

    /// [] or [1] for the whole matrix or [N] a row each, of float32, bfloat16 or float16; for int4 [N, groups]
    /// bfloat16.
    public let scales: HostTensor
    /// nil if the matrix is stored as it is.
    public let rotation: HadamardRotation?

    /// The scales' shape is checked where they are joined with a matrix.
    public init(scales: HostTensor, rotation: HadamardRotation? = nil) {
        self.scales = scales
        self.rotation = rotation
    }

    /// Groups of a row of int4.
    public static func groupCount(columns: Int) -> Int { (columns + groupSize - 1) / groupSize }

    /// True if there is one scale for the whole matrix.
    public var isWhole: Bool {
        scales.shape.elementCount == 1 && scales.shape.rank <= 1 && !isGrouped
    }

    private var isGrouped: Bool { scales.shape.rank == 2 }

    /// True if the scales belong to a matrix of this shape and type.
    public func fits(_ shape: Shape, _ dtype: DType) -> Bool {
        guard shape.rank == 2, scales.quantization == nil else { return false }
        if let rotation, !shape[1].isMultiple(of: rotation.size) { return false }
        switch dtype {
        case .int4:
            return scales.shape == [shape[0], Self.groupCount(columns: shape[1])]
                && scales.dtype == .bfloat16
        case .int8, .float8E4M3, .float8E5M2:
            return (isWhole || scales.shape == [shape[0]]) && scales.dtype.bitCount >= 16
                && scales.dtype.isWeightType
        default: return false
        }
    }

    /// The scales of some rows.
    func rows(_ range: Range<Int>) -> Quantization {
        guard !isWhole else { return self }
        return Quantization(scales: scales.rows(range), rotation: rotation)
    }
}

/// An orthogonal rotation of each run of `size` features: the Kronecker power of the regular Hadamard matrix of order
/// 4, `[[1, 1, 1, -1], [1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]] / 2`, which is its own inverse.
///
/// It spreads a single large value over the run, so that a row's scale is not set by it alone. (Regular, not
/// Sylvester's: the mean of a run does not end up in its first value, and files of others are rotated so.)
/// Source: ConvRot (2025), as the `convrot` files for ComfyUI have it.
public struct HadamardRotation: Sendable, Hashable {
    /// A power of 4, 4 to 4096.
    public let size: Int

    /// Largest run that is taken; files in circulation have 256.
    public static let largestSize = 4096
    /// Runs of this many features or fewer are not worth a rotation, longer ones than this many are not used.
    private static let chosenSizes = [256, 64, 16]

    /// nil unless `size` is a power of 4 within the limits.
    public init?(size: Int) {
        guard size >= 4, size <= Self.largestSize, size & (size - 1) == 0,
            size.trailingZeroBitCount.isMultiple(of: 2)
        else { return nil }
        self.size = size
    }

    /// The largest rotation, of those that are used, for rows of so many features; nil if none divides them.
    public static func chosen(columns: Int) -> HadamardRotation? {
        chosenSizes.first { columns.isMultiple(of: $0) }.flatMap { HadamardRotation(size: $0) }
    }
}
