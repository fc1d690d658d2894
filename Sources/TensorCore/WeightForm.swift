/// The element types in which the large matrices of blocks can be asked to be held.
public enum WeightPrecision: String, Sendable, Hashable, CaseIterable {
    case float32
    case bfloat16
    /// `float8_e4m3fn` with a scale a row.
    case fp8
    /// Integers with a scale a row.
    case int8
    /// Integers of 4 bits with a scale for each 64 of a row.
    case int4

    /// Of the elements.
    public var dtype: DType {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .fp8: .float8E4M3
        case .int8: .int8
        case .int4: .int4
        }
    }

    /// True if elements need scales.
    public var isQuantized: Bool {
        switch self {
        case .float32, .bfloat16: false
        case .fp8, .int8, .int4: true
        }
    }

    /// True if matrices are rotated unless somebody says otherwise: integers with one scale for a whole row lose much
    /// to single large values, which trained weights have.
    public var isUsuallyRotated: Bool { self == .int8 }
}

/// In what the large matrices of blocks are to be held: converted while they are loaded, or beforehand into a file.
///
/// A matrix is never widened: one that has as few bits already stays as it is.
public struct WeightForm: Sendable, Hashable {
    /// Of the elements.
    public let precision: WeightPrecision
    /// Rotate runs of features before rounding to 8 or 4 bits, see `HadamardRotation`.
    public let isRotated: Bool

    /// A rotation is for quantised precisions alone; for others it is ignored. Nil rotates what usually is.
    public init(_ precision: WeightPrecision, isRotated: Bool?) {
        self.precision = precision
        self.isRotated = (isRotated ?? precision.isUsuallyRotated) && precision.isQuantized
    }

    /// Without a rotation.
    public init(_ precision: WeightPrecision) {
        self.init(precision, isRotated: false)
    }

    /// True if a matrix of this type takes fewer bits in this form.
    public func narrows(_ dtype: DType) -> Bool { precision.dtype.bitCount < dtype.bitCount }

    /// How rows of so many features are rotated.
    public func rotation(columns: Int) -> HadamardRotation? {
        isRotated ? HadamardRotation.chosen(columns: columns) : nil
    }

    /// The scales' shape for a matrix [N, K]; nil if it has none.
    public func scaleShape(_ shape: Shape) -> Shape? {
        switch precision {
        case .float32, .bfloat16: nil
        case .fp8, .int8: [shape[0]]
        case .int4: [shape[0], Quantization.groupCount(columns: shape[1])]
        }
    }

    /// Of the scales: bfloat16 where there are many of them.
    public var scaleDType: DType { precision == .int4 ? .bfloat16 : .float32 }

    /// Bytes that a matrix [N, K] of another type takes in this form, its scales included.
    public func byteCount(of shape: Shape, from dtype: DType) -> Int {
        guard narrows(dtype) else { return dtype.byteCount(of: shape) }
        return precision.dtype.byteCount(of: shape)
            + (scaleShape(shape).map { scaleDType.byteCount(of: $0) } ?? 0)
    }
}
