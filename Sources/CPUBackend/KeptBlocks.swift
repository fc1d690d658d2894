import Glibc

/// Freed blocks that wait for the next request, and new ones, which may be made of their pages.
struct KeptBlocks {
    /// Blocks from this size on come straight from the system, so that freeing them returns the memory; smaller ones
    /// are the C library's, and not kept.
    static let mappedBlockBytes = 1 << 15

    /// Of kept blocks together.
    private(set) var bytes = 0
    /// The block that was freed last at the end.
    private var blocks: [(size: Int, address: UInt)] = []
    /// The sizes of the mappings of blocks, kept or in use, that are made of several, by address: before Linux 6.17
    /// pages of two mappings cannot be moved at once, and trying takes the target away.
    private var mappings: [UInt: [Int]] = [:]

    /// True if a block of that size is kept.
    func contains(_ size: Int) -> Bool { blocks.contains { $0.size == size } }

    /// Keeps a block; false if it is too small to be kept.
    mutating func keep(_ address: UInt, _ size: Int) -> Bool {
        guard size >= Self.mappedBlockBytes else { return false }
        bytes += size
        blocks.append((size, address))
        return true
    }

    /// The kept block of that size that was freed last.
    mutating func take(_ size: Int) -> UInt? {
        guard let index = blocks.lastIndex(where: { $0.size == size }) else { return nil }
        bytes -= size
        return blocks.remove(at: index).address
    }

    /// A new block; no more than `mayStay` bytes are kept then. What must go to that end gives its pages to the block:
    /// those of the system would have to be cleared. Nil if the system has none.
    mutating func make(_ size: Int, mayStay: Int) -> UInt? {
        guard size >= Self.mappedBlockBytes else {
            release(downTo: mayStay)
            return aligned_alloc(64, size).map { UInt(bitPattern: $0) }
        }
        var block = HostPages.map(size)
        if let made = block, !movePages(to: made, size, mayStay: mayStay) { block = HostPages.map(size) }
        release(downTo: mayStay)
        return block.map { UInt(bitPattern: $0) }
    }

    /// Gives a block back to where it came from.
    mutating func free(_ address: UInt, _ size: Int) {
        mappings[address] = nil
        guard let block = UnsafeMutableRawPointer(bitPattern: address) else { return }
        if size >= Self.mappedBlockBytes {
            HostPages.unmap(block, size)
        } else {
            Glibc.free(block)
        }
    }

    /// Frees what was kept longest until no more than `mayStay` bytes are kept.
    mutating func release(downTo mayStay: Int) {
        var count = 0
        while bytes > max(mayStay, 0), count < blocks.count {
            free(blocks[count].address, blocks[count].size)
            bytes -= blocks[count].size
            count += 1
        }
        blocks.removeFirst(count)
    }

    /// Fills a new block with pages of kept ones, oldest first, until no more than `mayStay` bytes are kept. What is
    /// left of a block stays kept. False if the system refused: then the new block is gone.
    private mutating func movePages(to block: UnsafeMutableRawPointer, _ size: Int, mayStay: Int) -> Bool {
        var filled: [Int] = []
        var filledBytes = 0
        var index = 0
        while bytes > max(mayStay, 0), index < blocks.count {
            let (kept, address) = blocks[index]
            let own = mappings[address] ?? [kept]
            let moved = min(own[0], size - filledBytes) / HostPages.hugePageBytes * HostPages.hugePageBytes
            guard moved > 0, let source = UnsafeMutableRawPointer(bitPattern: address) else {
                index += 1
                continue
            }
            guard HostPages.move(moved, from: source, to: block + filledBytes) else {
                // What was to be replaced may be mapped no more, or again by somebody else: it is left alone.
                HostPages.unmap(block, filledBytes)
                HostPages.unmap(block + filledBytes + moved, size - filledBytes - moved)
                return false
            }
            filled.append(moved)
            filledBytes += moved
            cut(moved, from: index, own)
        }
        if filledBytes > 0 {
            if filledBytes < size { filled.append(size - filledBytes) }
            mappings[UInt(bitPattern: block)] = filled.count > 1 ? filled : nil
        }
        return true
    }

    /// Takes the first pages of a kept block away, which are its first mapping's; what is left is given back if no huge
    /// page is.
    private mutating func cut(_ moved: Int, from index: Int, _ own: [Int]) {
        let (kept, address) = blocks[index]
        let (rest, start) = (kept - moved, address + UInt(moved))
        mappings[address] = nil
        bytes -= moved
        let left = own[0] > moved ? [own[0] - moved] + own.dropFirst() : Array(own.dropFirst())
        guard rest >= HostPages.hugePageBytes, left[0] >= HostPages.hugePageBytes else {
            if rest > 0, let pages = UnsafeMutableRawPointer(bitPattern: start) { HostPages.unmap(pages, rest) }
            bytes -= rest
            blocks.remove(at: index)
            return
        }
        if left.count > 1 { mappings[start] = left }
        blocks[index] = (rest, start)
    }
}
