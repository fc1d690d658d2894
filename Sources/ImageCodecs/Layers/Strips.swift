import Dispatch

/// Rows of a picture shared among the processors.
enum Strips {
    /// About how many bytes a strip works on: few enough to spread evenly, many enough to be worth a thread.
    private static let bytesPerStrip = 4 << 20

    /// Calls `work` for ranges that together are all rows, several at the same time.
    ///
    /// `work` writes to the rows of its range alone. Small pictures are done on the calling thread.
    static func forEach(rows: Int, bytesPerRow: Int, _ work: @Sendable (Range<Int>) -> Void) {
        let rowsPerStrip = max(1, bytesPerStrip / max(1, bytesPerRow))
        let count = (rows + rowsPerStrip - 1) / rowsPerStrip
        guard count > 1 else { return work(0..<rows) }
        DispatchQueue.concurrentPerform(iterations: count) { strip in
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
