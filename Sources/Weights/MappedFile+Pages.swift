import Glibc
import TensorCore

extension MappedFile {
    /// Bytes of one request to the system; between two of them a reader can be stopped.
    static let pieceBytes = 16 << 20

    /// Reads bytes from the file without making pages of the mapping resident. Throws `io`, or `truncated` for a file
    /// that has become shorter.
    func read(_ range: Range<Int>, into target: UnsafeMutableRawBufferPointer) throws(WeightsError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount && range.count == target.count)
        guard let base = target.baseAddress else { return }
        var done = 0
        while done < range.count {
            let count = pread(descriptor, base + done, range.count - done, range.lowerBound + done)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .io(operation: "read", file: name, code: errno) }
            guard count > 0 else {
                throw .truncated(file: name, expectedBytes: byteCount, foundBytes: range.lowerBound + done)
            }
            done += count
        }
    }

    /// Has the system read bytes ahead of their use; a hint, which may be ignored.
    func readAhead(_ range: Range<Int>) {
        advise(range, MADV_WILLNEED)
    }

    /// Gives the memory of these pages back; the next touch reads them again.
    func giveBack(_ range: Range<Int>) {
        advise(range, MADV_DONTNEED)
    }

    private func advise(_ range: Range<Int>, _ advice: Int32) {
        guard !range.isEmpty else { return }
        // Whole pages: what is dropped beyond the range comes back when it is touched.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = range.lowerBound / page * page
        madvise(address + start, range.upperBound - start, advice)
    }
}
