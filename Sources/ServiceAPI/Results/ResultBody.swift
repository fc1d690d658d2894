import HTTPProtocol
import Jobs

/// The body of an answer that is made of a result's files: bytes, and parts of files that are read when it is sent.
struct ResultBody: BodySource {
    private enum Content {
        case bytes([UInt8])
        case file(JobResult, index: Int, range: Range<Int>)

        var byteCount: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .file(_, _, let range): range.count
            }
        }

        var heldByteCount: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .file(let result, _, let range): result.isInMemory ? range.count : 0
            }
        }

        /// Those of `part`, which counts from this content's first byte.
        func bytes(_ part: Range<Int>) throws(JobError) -> [UInt8] {
            switch self {
            case .bytes(let bytes): return part.count == bytes.count ? bytes : Array(bytes[part])
            case .file(let result, let index, let range):
                let start = range.lowerBound
                return try result.bytes(of: index, start + part.lowerBound..<start + part.upperBound)
            }
        }
    }

    /// Each with the place of its first byte.
    private var contents: [(start: Int, content: Content)] = []
    private(set) var byteCount = 0
    private(set) var heldByteCount = 0

    /// Nothing.
    init() {}

    /// These bytes.
    init(_ bytes: [UInt8]) { append(bytes) }

    /// The file at `index` of a result.
    init(_ result: JobResult, index: Int) { append(result, index: index, from: 0) }

    mutating func append(_ bytes: [UInt8]) { append(.bytes(bytes)) }

    /// The file at `index` of a result, but for its first bytes.
    mutating func append(_ result: JobResult, index: Int, from start: Int) {
        append(.file(result, index: index, range: start..<max(start, result.files[index].byteCount)))
    }

    mutating func append(_ other: ResultBody) {
        for (_, content) in other.contents { append(content) }
    }

    private mutating func append(_ content: Content) {
        guard content.byteCount > 0 else { return }
        contents.append((byteCount, content))
        byteCount += content.byteCount
        heldByteCount += content.heldByteCount
    }

    func bytes(_ range: Range<Int>) throws(JobError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        // The last one that begins at the range's begin or before.
        var index = contents.partitioningIndex { $0.start > range.lowerBound } - 1
        while bytes.count < range.count, contents.indices.contains(index) {
            let (start, content) = contents[index]
            let part = max(0, range.lowerBound - start)..<min(content.byteCount, range.upperBound - start)
            if part.count == range.count { return try content.bytes(part) }
            bytes += try content.bytes(part)
            index += 1
        }
        return bytes
    }

    /// All of it.
    func bytes() throws(JobError) -> [UInt8] { try bytes(0..<byteCount) }

    /// Calls `take` with all of it, a piece at a time.
    func forEachPiece(_ take: ([UInt8]) -> Void) throws(JobError) {
        for start in stride(from: 0, to: byteCount, by: Self.pieceBytes) {
            take(try bytes(start..<min(start + Self.pieceBytes, byteCount)))
        }
    }

    private static let pieceBytes = 1 << 20
}

extension Array {
    /// The first index whose element `isBehind`, which holds for every later one too; `endIndex` without any.
    fileprivate func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
