import TensorCore

/// What makes a GGUF file unusable.
public enum GGUFProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file does not begin with the format's four letters.
    case notGGUF
    /// A version that is not read.
    case unknownVersion(UInt32)
    /// A file for machines that count bytes the other way.
    case bigEndian
    /// The file ends inside of its header.
    case endsEarly(foundBytes: Int)
    /// More of something than is read.
    case tooMany(what: String, found: UInt64, limit: Int)
    /// A text that is not UTF-8, or an empty name.
    case invalidName(offset: Int)
    /// A value of a kind that the format does not have.
    case unknownValueType(key: String, found: UInt32)
    /// Lists inside of lists, deeper than is read.
    case tooDeep(key: String, limit: Int)
    /// A key, or a tensor's name, that stands twice.
    case duplicate(name: String)
    /// An alignment that is no power of two, or too large.
    case wrongAlignment(found: Int, limit: Int)
    /// One of several files that are a model together.
    case split(parts: Int)
    /// A tensor of a type that is not read.
    case unsupportedType(tensor: String, type: String)
    /// A shape whose size does not fit any memory.
    case shapeTooLarge(tensor: String)
    /// A row that is not whole blocks.
    case brokenBlocks(tensor: String, type: DType, columns: Int)
    /// A tensor that does not begin where tensors may.
    case misaligned(tensor: String, offset: UInt64, alignment: Int)
    /// A tensor that ends beyond the file.
    case beyondEnd(tensor: String, expectedBytes: UInt64, foundBytes: Int)
    /// Two tensors with bytes in common.
    case overlap(tensor: String, other: String)
    /// The shape that a tensor had before it was stored has another number of elements.
    case wrongOriginalShape(tensor: String, stored: Shape)

    /// The problem, as the rest of a line that names the file.
    public var description: String {
        switch self {
        case .notGGUF: "it does not begin with 'GGUF'; fetch it again"
        case .unknownVersion(let found): "its version is \(found), and versions 2 and 3 are read; convert it anew"
        case .bigEndian: "it was written for machines with the other byte order; take the little-endian file"
        case .endsEarly(let found): "it ends in its header, after \(found) bytes; fetch it again"
        case .tooMany(let what, let found, let limit): "it has \(found) \(what), and at most \(limit) are read"
        case .invalidName(let offset): "the text at byte \(offset) is empty or not UTF-8; fetch it again"
        case .unknownValueType(let key, let found):
            "the value of '\(key.quotable)' is of the unknown kind \(found); fetch it again"
        case .tooDeep(let key, let limit): "'\(key.quotable)' has lists more than \(limit) deep"
        case .duplicate(let name): "'\(name.quotable)' stands in it twice"
        case .wrongAlignment(let found, let limit):
            "general.alignment is \(found), but must be a power of two up to \(limit)"
        case .split(let parts): "it is one of \(parts) parts; join them first, with llama-gguf-split --merge"
        case .unsupportedType(let tensor, let type):
            "the tensor '\(tensor.quotable)' is \(type.quotable), which is not read; take a file of"
                + " F32, F16, BF16, \(DType.blockTypes.map(\.rawValue).joined(separator: ", "))"
        case .shapeTooLarge(let tensor): "the tensor '\(tensor.quotable)' has a shape whose size cannot be counted"
        case .brokenBlocks(let tensor, let type, let columns):
            "the tensor '\(tensor.quotable)' is \(type.rawValue), whose blocks of \(type.block?.elements ?? 1)"
                + " do not divide its rows of \(columns); take a file in which it is F16 or BF16"
        case .misaligned(let tensor, let offset, let alignment):
            "the tensor '\(tensor.quotable)' begins at \(offset), which is no multiple of \(alignment)"
        case .beyondEnd(let tensor, let expected, let found):
            "the tensor '\(tensor.quotable)' ends at byte \(expected), but the file has \(found); fetch it again"
        case .overlap(let tensor, let other):
            "the tensors '\(other.quotable)' and '\(tensor.quotable)' share bytes"
        case .wrongOriginalShape(let tensor, let stored):
            "the tensor '\(tensor.quotable)' is stored as \(stored), which its"
                + " \(GGUFHeader.originalShapePrefix)* does not fit"
        }
    }
}
