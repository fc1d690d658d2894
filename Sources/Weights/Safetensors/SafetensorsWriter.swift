import Foundation
import TensorCore

/// Writes a safetensors file: the tensors are announced first, then their elements arrive in any order and in pieces.
///
/// Belongs to one thread. The file appears under its name with `finish`; without it nothing is left behind. Elements
/// stand in the host's byte order, which is the format's on every machine that Mica runs on.
public final class SafetensorsWriter {
    /// The entries in the order of the file.
    public let entries: [SafetensorsEntry]
    private let file: AtomicFile
    /// Per name the place of the next byte, and where the tensor ends.
    private var ranges: [String: Range<Int>] = [:]
    /// Of the last hole.
    private var end = 0

    /// Begins a file with these tensors.
    ///
    /// Names must differ, not be empty and not be `__metadata__`: a breach is a mistake of our own code and traps.
    /// - Throws: `io`.
    public init(
        file: URL, entries: [SafetensorsEntry], metadata: [String: String] = [:]
    ) throws(WeightsError) {
        // Wide elements first, then by name, as the reference writes: every tensor is aligned to its element.
        let sorted = entries.sorted {
            ($1.dtype.byteCount, $0.name) < ($0.dtype.byteCount, $1.name)
        }
        let header = Self.header(sorted, metadata)
        precondition(header.count <= SafetensorsHeader.limitBytes, "a safetensors header of \(header.count) bytes")
        var offset = SafetensorsHeader.lengthByteCount + header.count
        for entry in sorted {
            precondition(!entry.name.isEmpty && entry.name != SafetensorsHeader.metadataKey, "no name for a tensor")
            let previous = ranges.updateValue(offset..<(offset + entry.byteCount), forKey: entry.name)
            precondition(previous == nil, "two tensors are named '\(entry.name)'")
            offset += entry.byteCount
        }
        self.entries = sorted
        self.file = try AtomicFile(target: file)
        let length = (0..<SafetensorsHeader.lengthByteCount).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        try self.file.write((length + header).span.bytes, at: 0)
    }

    /// Writes a whole file. Throws `io`.
    public static func write(
        _ tensors: [NamedTensor], metadata: [String: String] = [:], to file: URL
    ) throws(WeightsError) {
        let writer = try SafetensorsWriter(file: file, entries: tensors.map(\.entry), metadata: metadata)
        for tensor in tensors {
            switch tensor.elements {
            case .float32(let values): try writer.append(values, to: tensor.name)
            case .int64(let values): try writer.append(values, to: tensor.name)
            }
        }
        try writer.finish()
    }

    /// The next elements of a float32 tensor. Throws `io`.
    public func append(_ values: [Float], to name: String) throws(WeightsError) {
        try append(values.span.bytes, to: name)
    }

    /// The next elements of an int64 tensor. Throws `io`.
    public func append(_ values: [Int64], to name: String) throws(WeightsError) {
        try append(values.span.bytes, to: name)
    }

    /// The next bytes of a tensor of any type. Throws `io`.
    public func append(_ bytes: [UInt8], to name: String) throws(WeightsError) {
        try append(bytes.span.bytes, to: name)
    }

    /// A tensor's bytes as they are, as the next of the tensor `name` of the same type. Throws `io`.
    public func append(_ tensor: HostTensor, to name: String) throws(WeightsError) {
        try tensor.memory.withUnsafeBytes { (bytes) throws(WeightsError) in
            let range = tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount)
            try append(bytes.bytes.extracting(range), to: name)
        }
    }

    /// Leaves what is not yet written of a tensor as a hole: zeros that take no room on most file systems.
    public func skip(_ name: String) {
        guard let rest = ranges[name] else { preconditionFailure("'\(name)' was not announced") }
        end = max(end, rest.upperBound)
        ranges[name] = rest.upperBound..<rest.upperBound
    }

    /// Ends the file, which must be complete, and gives it its name. Throws `io`.
    public func finish() throws(WeightsError) {
        if end > 0 { try file.extend(to: end) }
        for (name, rest) in ranges { precondition(rest.isEmpty, "'\(name)' lacks \(rest.count) bytes") }
        try file.finish()
    }

    private func append(_ bytes: RawSpan, to name: String) throws(WeightsError) {
        guard let rest = ranges[name], bytes.byteCount <= rest.count else {
            preconditionFailure("'\(name)' was not announced, or not so large")
        }
        try file.write(bytes, at: rest.lowerBound)
        ranges[name] = (rest.lowerBound + bytes.byteCount)..<rest.upperBound
    }

    // MARK: Header

    private static func header(_ entries: [SafetensorsEntry], _ metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\(quoted(SafetensorsHeader.metadataKey)):{\(texts.joined(separator: ","))}")
        }
        var offset = 0
        for entry in entries {
            let shape = entry.shape.dimensions.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(entry.name)):{\"dtype\":\"\(entry.dtype.safetensorsName)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(offset + entry.byteCount)]}")
            offset += entry.byteCount
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        // The data begin at a multiple of 8, so that elements are aligned in a mapping.
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        return header
    }

    /// A text as JSON has it.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\0"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
