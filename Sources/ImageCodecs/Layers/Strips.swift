/// Rows of a picture shared among the processors.
package enum Strips {
    /// About how many bytes a strip works on: few enough to spread evenly, many enough to be worth a thread.
    private static let bytesPerStrip = 4 << 20

    /// Calls `work` for ranges that together are all rows, several at the same time.
    ///
    /// `work` writes to the rows of its range alone. Small pictures are done on the calling thread.
    static func forEach(rows: Int, bytesPerRow: Int, _ work: @Sendable (Range<Int>) -> Void) {
        forEach(rows: rows, rowsPerStrip: max(1, bytesPerStrip / max(1, bytesPerRow)), work)
    }

    /// The same in strips of a given height, the last one perhaps lower.
    package static func forEach(rows: Int, rowsPerStrip: Int, _ work: @Sendable (Range<Int>) -> Void) {
        Parallel.forEach((rows + rowsPerStrip - 1) / rowsPerStrip) { strip in
            work(strip * rowsPerStrip..<min(rows, (strip + 1) * rowsPerStrip))
        }
    }
}

/// A picture's bytes that strips write to.
///
/// The memory is the maker's and outlives the strips.
// @unchecked because each strip writes to its own rows alone.
struct SharedBytes: @unchecked Sendable {
    let base: UnsafeMutablePointer<UInt8>
}
