import Dispatch
import Synchronization
import TensorCore

/// How fast this machine reads memory.
enum MemoryBandwidth {
    private static let repetitions = 5

    /// The best of several passes in which `threads` threads together read `byteCount` bytes once; bytes per second.
    static func measure(threads: Int, byteCount: Int) throws(TensorError) -> Double {
        let memory = try SyntheticMemory(byteCount: byteCount)
        memory.fill(with: SyntheticValues.pattern(count: .max, bound: 1))
        let times = BenchTimes(warmup: 1, repetitions: repetitions) {
            let sum = Atomic<UInt64>(0)
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                let part = memory.withUnsafeBytes { bytes in
                    let range = (bytes.count * thread / threads)..<(bytes.count * (thread + 1) / threads)
                    return Self.sum(UnsafeRawBufferPointer(rebasing: bytes[range]))
                }
                sum.add(part, ordering: .relaxed)
            }
            // The sum is used, so that the reading is not optimised away.
            precondition(sum.load(ordering: .relaxed) != 1)
        }
        return Double(byteCount) / times.minimum
    }

    private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        typealias Line = SIMD8<UInt64>
        let stride = MemoryLayout<Line>.stride
        var sums = (Line.zero, Line.zero, Line.zero, Line.zero)
        for start in Swift.stride(from: 0, through: bytes.count - 4 * stride, by: 4 * stride) {
            sums.0 &+= bytes.loadUnaligned(fromByteOffset: start, as: Line.self)
            sums.1 &+= bytes.loadUnaligned(fromByteOffset: start + stride, as: Line.self)
            sums.2 &+= bytes.loadUnaligned(fromByteOffset: start + 2 * stride, as: Line.self)
            sums.3 &+= bytes.loadUnaligned(fromByteOffset: start + 3 * stride, as: Line.self)
        }
        return (sums.0 &+ sums.1 &+ sums.2 &+ sums.3).wrappedSum()
    }
}
