import CKernels
import Glibc
import HostLimits

/// Memory that comes from the system in whole pages, and goes back there.
package enum HostPages {
    /// The size of a page.
    package static let pageBytes = PageSize.bytes

    /// The size of a huge page, which the kernel is asked for from this size on: touching memory for the first time is
    /// then 10 times cheaper, and so is finding it while it is read.
    static let hugePageBytes = 2 << 20

    /// Pages of zeros, `size` being a multiple of a page's; from a huge page's size on they begin with one. Nil if the
    /// system has none.
    static func map(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size >= hugePageBytes else { return mapAnywhere(size) }
        // What lies before the first huge page and behind the block is given back.
        guard let start = mapAnywhere(size + hugePageBytes) else { return nil }
        let before = -Int(bitPattern: start) & (hugePageBytes - 1)
        let block = start + before
        if before > 0 { munmap(start, before) }
        munmap(block + size, hugePageBytes - before)
        madvise(block, size, MADV_HUGEPAGE)
        return block
    }

    /// Gives pages back.
    static func unmap(_ block: UnsafeMutableRawPointer, _ size: Int) {
        munmap(block, size)
    }

    /// Moves pages of one mapping with what they hold to where others were, without copying: whole huge pages that
    /// begin at multiples of their size. False if the system does not; the others may be gone then.
    static func move(_ size: Int, from source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer) -> Bool {
        mica_move_pages(source, target, size) != 0
    }

    private static func mapAnywhere(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let block = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            block != MAP_FAILED
        else { return nil }
        return block
    }
}
