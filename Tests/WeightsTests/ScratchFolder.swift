import Foundation

/// A folder of a test's own, which goes with the object.
final class ScratchFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "mica-weights-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// Writes a file and returns where it is.
    @discardableResult
    func write(_ bytes: [UInt8], as name: String) throws -> URL {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file
    }

    @discardableResult
    func write(_ text: String, as name: String) throws -> URL {
        try write(Array(text.utf8), as: name)
    }

    /// The names of all that is in the folder, hidden files too.
    func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
    }
}

/// A file among this target's fixtures.
func fixture(_ path: String) throws -> URL {
    guard let resources = Bundle.module.resourceURL else { throw CocoaError(.fileNoSuchFile) }
    return resources.appending(path: "Fixtures").appending(path: path)
}

/// A safetensors file of any header, true or not, and any data.
func safetensors(header: [UInt8], data: [UInt8] = [], claimedLength: UInt64? = nil) -> [UInt8] {
    let length = claimedLength ?? UInt64(header.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + header + data
}

func safetensors(header: String, data: [UInt8] = [], claimedLength: UInt64? = nil) -> [UInt8] {
    safetensors(header: Array(header.utf8), data: data, claimedLength: claimedLength)
}

/// Little-endian bytes of float32 values.
func littleEndian(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) } }
}

/// Random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
