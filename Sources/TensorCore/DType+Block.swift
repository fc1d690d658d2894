/// Elements that are stored together, with what makes values of them.
public struct ElementBlock: Sendable, Hashable {
    /// Elements of a block; a row is whole blocks.
    public let elements: Int
    /// Bytes that a block takes.
    public let bytes: Int
}

extension DType {
    /// The block of a type whose elements come in blocks; nil for all others.
    ///
    /// What stands where in a block is said where it is read: `blocks.h` of CKernels.
    public var block: ElementBlock? {
        switch self {
        case .q40, .iq4NL: ElementBlock(elements: 32, bytes: 18)
        case .q41: ElementBlock(elements: 32, bytes: 20)
        case .q50: ElementBlock(elements: 32, bytes: 22)
        case .q51: ElementBlock(elements: 32, bytes: 24)
        case .q80: ElementBlock(elements: 32, bytes: 34)
        case .q2K: ElementBlock(elements: 256, bytes: 84)
        case .q3K: ElementBlock(elements: 256, bytes: 110)
        case .q4K: ElementBlock(elements: 256, bytes: 144)
        case .q5K: ElementBlock(elements: 256, bytes: 176)
        case .q6K: ElementBlock(elements: 256, bytes: 210)
        case .iq4XS: ElementBlock(elements: 256, bytes: 136)
        default: nil
        }
    }

    /// The address that elements must lie at is a multiple of this.
    public var alignment: Int { self == .int4 || block != nil ? 1 : byteCount }

    /// All types whose elements come in blocks.
    public static let blockTypes = allCases.filter { $0.block != nil }
}
