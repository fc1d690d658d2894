import TensorCore

/// What makes a quantised matrix unusable; scales are named as the file names them.
public enum QuantizationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// A format that is not read here.
    case unknownFormat(String)
    /// The description of a layer's format, or of all of them, is not as it should be.
    case descriptionInvalid(JSONProblem)
    /// A description beyond the size that is read.
    case descriptionTooLong(limitBytes: Int, foundBytes: Int)
    /// The elements are of another type than the format says.
    case wrongDType(expected: DType, found: DType)
    /// No scale, under none of its names.
    case scaleMissing(names: [String])
    /// A scale of another shape than one for all, or one a row or group.
    case wrongScaleShape(name: String, expected: [Shape], found: Shape)
    /// A scale of a type that is no scale's.
    case wrongScaleDType(name: String, found: DType)
    /// A scale that is infinite or NaN.
    case scaleNotFinite(index: Int)
    /// A row of int4 that does not have as many bytes as its columns need.
    case wrongRowLength(columns: Int, bytes: Int)
    /// A rotation that is no power of 4, or does not divide a row.
    case wrongRotation(size: Int, columns: Int)

    /// The problem, as the rest of a line that names tensor and file.
    public var description: String {
        switch self {
        case .unknownFormat(let format):
            "its format '\(format.quotable)' is not known;"
                + " known are \(LayerFormat.Kind.allCases.map(\.rawValue).joined(separator: ", "))"
        case .descriptionInvalid(let problem): "its description is not valid: \(problem)"
        case .descriptionTooLong(let limit, let found):
            "its description has \(found) bytes, but at most \(limit) are read"
        case .wrongDType(let expected, let found):
            "its elements are \(found.rawValue), but its format has \(expected.rawValue)"
        case .scaleMissing(let names):
            "its scale is missing (\(names.map { "'\($0.quotable)'" }.joined(separator: " or ")))"
        case .wrongScaleShape(let name, let expected, let found):
            "its scale '\(name.quotable)' has the shape \(found),"
                + " but \(expected.map(\.description).joined(separator: " or ")) is expected"
        case .wrongScaleDType(let name, let found):
            "its scale '\(name.quotable)' is \(found.rawValue), which no scale can be"
        case .scaleNotFinite(let index): "its scale number \(index) is not a finite number"
        case .wrongRowLength(let columns, let bytes):
            "its rows have \(bytes) bytes, which do not hold \(columns) elements of 4 bits"
        case .wrongRotation(let size, let columns):
            "it is rotated in runs of \(size), which is no power of 4 or does not divide its \(columns) columns"
        }
    }
}
