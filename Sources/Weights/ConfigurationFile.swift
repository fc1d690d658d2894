import Foundation

/// Reads small JSON files into types of our own, with errors that a person can act on.
public enum ConfigurationFile {
    /// Largest file that is read unless the caller says otherwise.
    public static let defaultLimitBytes = 4 << 20

    /// Decodes a file.
    ///
    /// - Parameters:
    ///   - name: what messages call the file; its last two path components if nil (`transformer/config.json`).
    ///   - maximumBytes: a longer file is refused unread.
    /// - Throws: `fileMissing`, `emptyFile`, `notRegularFile`, `io`, `fileTooLarge`, `configuration`.
    public static func read<Value: Decodable>(
        _ type: Value.Type, from file: URL, name: String? = nil, maximumBytes: Int = defaultLimitBytes
    ) throws(WeightsError) -> Value {
        let name = name ?? usualName(of: file)
        let json = try bytes(of: file, name: name, maximumBytes: maximumBytes)
        do {
            return try JSONDecoder().decode(type, from: Data(json))
        } catch let error as ConfigurationProblem {
            // Thrown by a type's own `init(from:)`.
            throw .configuration(file: name, problem: error)
        } catch {
            throw .configuration(file: name, problem: problem(error, json))
        }
    }

    /// The bytes of a small file that is not decoded by `read`; opening one that is no regular file never waits.
    ///
    /// - Parameters and errors: as those of `read`, but for `configuration`.
    public static func data(
        of file: URL, name: String? = nil, maximumBytes: Int = defaultLimitBytes
    ) throws(WeightsError) -> Data {
        Data(try bytes(of: file, name: name ?? usualName(of: file), maximumBytes: maximumBytes))
    }

    private static func bytes(of file: URL, name: String, maximumBytes: Int) throws(WeightsError) -> [UInt8] {
        let mapping = try MappedFile(file: file, name: name)
        guard mapping.byteCount <= maximumBytes else {
            throw .fileTooLarge(file: name, limitBytes: maximumBytes, foundBytes: mapping.byteCount)
        }
        return mapping.bytes(in: 0..<mapping.byteCount)
    }

    private static func usualName(of file: URL) -> String {
        file.pathComponents.suffix(2).joined(separator: "/")
    }

    private static func problem(_ error: any Error, _ json: [UInt8]) -> ConfigurationProblem {
        switch error as? DecodingError {
        case .keyNotFound(let key, let context):
            .missingKey(keyPath(context.codingPath + [key]))
        case .typeMismatch(let type, let context):
            .wrongType(key: keyPath(context.codingPath), expected: noun(of: type), isNull: false)
        case .valueNotFound(let type, let context):
            .wrongType(key: keyPath(context.codingPath), expected: noun(of: type), isNull: true)
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            .unsuitableValue(key: keyPath(context.codingPath), reason: context.debugDescription)
        default:
            problem(json)
        }
    }

    /// Foundation says "not valid JSON", and no place, also of a number that its type cannot hold.
    private static func problem(_ json: [UInt8]) -> ConfigurationProblem {
        var reader = JSONReader(json, limits: .init(depth: 512, members: json.count))
        do throws(JSONProblem) {
            try reader.skipValue()
            try reader.finish()
        } catch {
            return .notJSON(error)
        }
        return .unsuitableNumber
    }

    private static func keyPath(_ path: [any CodingKey]) -> String {
        path.reduce("") { text, key in
            if let index = key.intValue { return "\(text)[\(index)]" }
            return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
        }
    }

    private static func noun(of type: any Any.Type) -> String {
        switch type {
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is Bool.Type: "true or false"
        case is String.Type: "a text"
        case is any ArrayOfAnything.Type: "a list"
        default: "an object"
        }
    }
}

/// Lets an array type be known without its element type.
private protocol ArrayOfAnything {}
extension Array: ArrayOfAnything {}
