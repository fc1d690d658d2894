/// Memory for the kernels: zeroed, freed with the last reference.
///
/// Rows of it are written by several threads at once, each its own, which an array does not allow.
final class FitBuffer<Element: ExpressibleByIntegerLiteral> {
    let values: UnsafeMutablePointer<Element>
    let count: Int

    init(count: Int) {
        self.count = count
        values = .allocate(capacity: count)
        values.initialize(repeating: 0, count: count)
    }

    deinit {
        values.deallocate()
    }
}

/// Arrays that are filled together, without being zeroed before.
enum FilledArrays {
    /// `arrays` arrays of `count` bytes; `fill` writes every byte of each.
    static func make(
        _ arrays: Int, count: Int, fill: ([UnsafeMutablePointer<UInt8>]) -> Void
    ) -> [[UInt8]] {
        make(arrays, count: count, pointers: [], fill: fill)
    }

    private static func make(
        _ arrays: Int, count: Int, pointers: [UnsafeMutablePointer<UInt8>],
        fill: ([UnsafeMutablePointer<UInt8>]) -> Void
    ) -> [[UInt8]] {
        guard pointers.count < arrays else {
            fill(pointers)
            return []
        }
        var others: [[UInt8]] = []
        let array = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            guard let pointer = buffer.baseAddress else { preconditionFailure("an array of \(count) bytes") }
            others = make(arrays, count: count, pointers: pointers + [pointer], fill: fill)
            filled = count
        }
        return [array] + others
    }
}
