/// A compiled kernel's file, an ELF of 64 bits: how long it says it is.
enum CubinImage {
    private static let headerBytes = 64
    /// A section's entry in the table, and one of a type that takes no room in the file.
    private static let sectionBytes = 64
    private static let noBits = 8
    private static let segmentBytes = 56

    /// True if all sections and segments that the headers name lie inside of the bytes.
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        /// A little-endian number; nil beyond the end.
        func number(at offset: Int, bytes count: Int) -> Int? {
            guard offset >= 0, offset <= bytes.count - count else { return nil }
            let value = bytes[offset..<(offset + count)].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            return Int(exactly: value)
        }
        func holds(_ start: Int?, _ count: Int?) -> Bool {
            guard let start, let count, start >= 0, count >= 0 else { return false }
            return start <= bytes.count && count <= bytes.count - start
        }
        guard bytes.count >= headerBytes, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
            let segments = number(at: 32, bytes: 8), let segmentCount = number(at: 56, bytes: 2),
            let sections = number(at: 40, bytes: 8), let sectionCount = number(at: 60, bytes: 2),
            holds(segments, segmentCount * segmentBytes), holds(sections, sectionCount * sectionBytes)
        else { return false }
        let segmentsFit = (0..<segmentCount).allSatisfy { index in
            let entry = segments + index * segmentBytes
            return holds(number(at: entry + 8, bytes: 8), number(at: entry + 32, bytes: 8))
        }
        let sectionsFit = (0..<sectionCount).allSatisfy { index in
            let entry = sections + index * sectionBytes
            return number(at: entry + 4, bytes: 4) == noBits
                || holds(number(at: entry + 24, bytes: 8), number(at: entry + 32, bytes: 8))
        }
        return segmentsFit && sectionsFit
    }
}
