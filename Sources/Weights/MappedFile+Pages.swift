import Glibc
import HostLimits
import TensorCore

extension MappedFile {
    /// Bytes of one request to the system; between two of them a reader can be stopped.
    static let pieceBytes = 16 << 20

    /// What reads past the system's cache are aligned to, in the file and in memory: no storage asks for more.
    static let directAlignment = 4096

    /// Reads bytes from the file without making pages of the mapping resident.
    ///
    /// - Parameter isDirect: read past the system's cache, as far as file and memory lie alike towards
    ///   `directAlignment` and the file system can do it. For bytes that would push each other out of the cache before
    ///   they are wanted again, that saves a copy, and the search for room in a full cache, which costs more than all
    ///   else.
    /// - Throws: `io`, or `truncated` for a file that has become shorter.
    func read(
        _ range: Range<Int>, into target: UnsafeMutableRawBufferPointer, isDirect: Bool = false
    ) throws(WeightsError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount && range.count == target.count)
        guard let base = target.baseAddress else { return }
        let unit = Self.directAlignment
        let first = (range.lowerBound + unit - 1) / unit * unit
        let last = range.upperBound / unit * unit
        let middle = base + (first - range.lowerBound)
        guard isDirect, last > first, Int(bitPattern: middle) % unit == 0, let direct = directDescriptor else {
            return try read(range, base)
        }
        try read(range.lowerBound..<first, base)
        let done = Self.read(direct, first..<last, middle)
        try read((first + done)..<range.upperBound, middle + done)
    }

    /// Reads by way of the cache.
    private func read(_ range: Range<Int>, _ target: UnsafeMutableRawPointer) throws(WeightsError) {
        let done = Self.read(descriptor, range, target)
        guard done < range.count else { return }
        let code = errno
        var status = stat()
        if fstat(descriptor, &status) == 0, Int(status.st_size) < range.upperBound {
            throw .truncated(file: name, expectedBytes: byteCount, foundBytes: Int(status.st_size))
        }
        throw .io(operation: "read", file: name, code: code)
    }

    /// Bytes that could be read of a range, from its beginning.
    private static func read(_ descriptor: Int32, _ range: Range<Int>, _ target: UnsafeMutableRawPointer) -> Int {
        var done = 0
        while done < range.count {
            let count = pread(descriptor, target + done, range.count - done, off_t(range.lowerBound + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            done += count
        }
        return done
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
        let page = PageSize.bytes
        let start = range.lowerBound / page * page
        madvise(address + start, range.upperBound - start, advice)
    }
}

extension HostTensor {
    /// Gives back the memory of the pages that hold the tensor, where it is mapped, after it was used on `backend`; a
    /// rehearsal notes that it would, and leaves them.
    func giveBackPages(after backend: any Backend) {
        if backend.holdsData {
            (memory as? MappedFile)?.giveBack(byteOffset..<(byteOffset + byteCount))
        } else {
            (backend as? Meter)?.giveBackPages(of: self)
        }
    }
}
