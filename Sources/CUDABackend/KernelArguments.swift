import CCUDA

/// The arguments of one launch, laid out one behind the other as the driver wants them pointed at.
struct KernelArguments {
    /// In words of eight bytes; each argument begins with a word of its own.
    private var words: [UInt64] = []
    private var starts: [Int] = []

    /// A number or an address.
    mutating func append(_ value: some BitwiseCopyable) {
        precondition(MemoryLayout.size(ofValue: value) <= 8)
        starts.append(words.count)
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { $0.storeBytes(of: value, as: type(of: value)) }
        words.append(word)
    }

    /// `struct View` of the kernels: an address and the kind of its elements.
    mutating func append(_ view: View) {
        starts.append(words.count)
        words += [view.address, UInt64(UInt32(bitPattern: view.elements.rawValue))]
    }

    /// A structure of 64-bit integers.
    mutating func append(_ values: [Int64]) {
        starts.append(words.count)
        words += values.map { UInt64(bitPattern: $0) }
    }

    /// Lends the table of pointers that cuLaunchKernel takes.
    mutating func withPointers<Result>(_ body: (UnsafeMutablePointer<UnsafeMutableRawPointer?>) -> Result) -> Result {
        words.withUnsafeMutableBytes { bytes in
            var pointers: [UnsafeMutableRawPointer?] = starts.map { start in
                bytes.baseAddress.map { $0 + start * 8 }
            }
            return pointers.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { preconditionFailure("a kernel without arguments") }
                return body(base)
            }
        }
    }
}

/// How many threads run a kernel, and in what blocks.
struct LaunchShape {
    var grid: (x: Int, y: Int)
    var block: (x: Int, y: Int)
    var sharedBytes = 0

    /// Most blocks along the second axis of a grid.
    static let largestY = 65_535

    init(grid: (x: Int, y: Int), block: (x: Int, y: Int), sharedBytes: Int = 0) {
        precondition(grid.x < 1 << 31 && grid.y <= Self.largestY, "a grid of \(grid)")
        self.grid = grid
        self.block = block
        self.sharedBytes = sharedBytes
    }

    /// A thread for each piece of work, in a grid of bounded size that strides over the rest.
    static func pieces(_ count: Int) -> LaunchShape {
        LaunchShape(grid: (min(max((count + 255) / 256, 1), 1 << 16), 1), block: (256, 1))
    }

    /// Threads of a warp or of several share a row; as many rows as fit share a block.
    static func rows(_ rows: Int, pieces: Int, mostThreads: Int = 256) -> LaunchShape {
        var threads = 32
        while threads < mostThreads, threads * 4 < pieces { threads *= 2 }
        // Sums over a row of several warps pass through shared memory, which is then the row's alone.
        let together = threads == 32 ? 8 : 1
        return LaunchShape(grid: (max((rows + together - 1) / together, 1), 1), block: (threads, together))
    }
}
