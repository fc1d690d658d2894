/// What breaks the safetensors format in a header.
public enum HeaderProblem: Error, Sendable, Equatable, CustomStringConvertible {
    case tooLong(foundBytes: UInt64, limitBytes: Int)
    case notAnObject(firstByte: UInt8)
    case json(JSONProblem)
    case missingKey(tensor: String, key: String)
    case unknownDType(tensor: String, found: String)
    case shapeTooLarge(tensor: String, dimensions: [Int])
    case wrongOffsets(tensor: String, offsets: [Int])
    case wrongLength(tensor: String, expectedBytes: Int, foundBytes: Int)
    case overlap(tensor: String, other: String)
    case gap(tensor: String, expectedOffset: Int, foundOffset: Int)

    public var description: String {
        switch self {
        case .tooLong(let found, let limit): "it claims a header of \(found) bytes; at most \(limit) are allowed"
        case .notAnObject(let byte):
            "its header begins with the byte 0x\(String(byte, radix: 16)), not with '{' (perhaps it is another kind of file)"
        case .json(let problem): "in its header, \(problem)"
        case .missingKey(let tensor, let key): "the tensor '\(tensor.quotable)' has no '\(key)'"
        case .unknownDType(let tensor, let found):
            "the tensor '\(tensor.quotable)' is of the unknown dtype '\(found.quotable)'"
        case .shapeTooLarge(let tensor, let dimensions):
            "the tensor '\(tensor.quotable)' has the shape \(dimensions), whose size cannot be counted"
        case .wrongOffsets(let tensor, let offsets):
            "the tensor '\(tensor.quotable)' has the data_offsets \(offsets); a begin and an end not before it are needed"
        case .wrongLength(let tensor, let expected, let found):
            "the tensor '\(tensor.quotable)' takes \(found) bytes, but its dtype and shape need \(expected)"
        case .overlap(let tensor, let other):
            "the tensors '\(tensor.quotable)' and '\(other.quotable)' share bytes"
        case .gap(let tensor, let expected, let found):
            "the tensor '\(tensor.quotable)' begins at byte \(found) of the data instead of \(expected)"
        }
    }
}
