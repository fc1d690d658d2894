import Glibc
import TensorCore

extension MappedFile {
    /// Gives the memory of these pages back; the next touch reads them again.
    func giveBack(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        // Whole pages: what is dropped beyond the range comes back when it is touched.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = range.lowerBound / page * page
        madvise(address + start, range.upperBound - start, MADV_DONTNEED)
    }
}
