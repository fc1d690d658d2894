/// What breaks the safetensors format in a header.
public enum HeaderProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The first 8 bytes claim more than is read.
    case tooLong(foundBytes: UInt64, limitBytes: Int)
    /// The header does not begin with a brace.
    case notAnObject(firstByte: UInt8)
    /// The header is no JSON, or not of the kind that is needed.
    case json(JSONProblem)
    /// A tensor lacks one of its three keys.
    case missingKey(tensor: String, key: String)
    /// A tensor's dtype is none that is known here.
    case unknownDType(tensor: String, found: String)
    /// The product of a shape overflows.
    case shapeTooLarge(tensor: String, dimensions: [Int])
    /// Offsets that are not two, or run backwards.
    case wrongOffsets(tensor: String, offsets: [Int])
    /// Offsets that do not fit dtype and shape.
    case wrongLength(tensor: String, expectedBytes: Int, foundBytes: Int)
    /// Two tensors that share bytes.
    case overlap(tensor: String, other: String)
    /// Bytes before a tensor that belong to none.
    case gap(tensor: String, expectedOffset: Int, foundOffset: Int)
    /// A tensor that is said to be zero is larger than any is.
    case zerosTooLarge(tensor: String, foundBytes: Int, limitBytes: Int)
    /// A tensor that is stored is said to be zero as well.
    case storedAndZero(tensor: String)

    /// The problem, as the rest of a line that names the file.
    public var description: String {
        switch self {
        case .tooLong(let found, let limit): "it claims a header of \(found) bytes; at most \(limit) are allowed"
        case .notAnObject(let byte):
            "its header begins with the byte 0x\(String(byte, radix: 16)), not with '{' (is it another kind of file?)"
        case .json(let problem): "in its header, \(problem)"
        case .missingKey(let tensor, let key): "the tensor '\(tensor.quotable)' has no '\(key)'"
        case .unknownDType(let tensor, let found):
            "the tensor '\(tensor.quotable)' is of the unknown dtype '\(found.quotable)'"
        case .shapeTooLarge(let tensor, let dimensions):
            "the tensor '\(tensor.quotable)' has the shape \(dimensions), whose size cannot be counted"
        case .wrongOffsets(let tensor, let offsets):
            "the tensor '\(tensor.quotable)' has the data_offsets \(offsets), which are not a begin and an end"
        case .wrongLength(let tensor, let expected, let found):
            "the tensor '\(tensor.quotable)' takes \(found) bytes, but its dtype and shape need \(expected)"
        case .overlap(let tensor, let other):
            "the tensors '\(tensor.quotable)' and '\(other.quotable)' share bytes"
        case .gap(let tensor, let expected, let found):
            "the tensor '\(tensor.quotable)' begins at byte \(found) of the data instead of \(expected)"
        case .zerosTooLarge(let tensor, let found, let limit):
            "the tensor '\(tensor.quotable)' would be \(found) bytes of zeros; at most \(limit) are allowed"
        case .storedAndZero(let tensor):
            "the tensor '\(tensor.quotable)' is stored, and is said to be zero under '\(ZeroTensors.metadataKey)'"
        }
    }
}
