/// Apple's PackBits run-length code, as PSD has it.
enum PackBits {
    /// The most bytes that `count` bytes can become.
    static func bound(_ count: Int) -> Int { count + (count + 127) / 128 }

    /// Encodes one row and gives the number of bytes written; `target` has room for `bound(count)`.
    ///
    /// Runs of three and more become two bytes; shorter ones stay within the literal bytes around them.
    static func encode(
        _ source: UnsafePointer<UInt8>, count: Int, into target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var written = 0
        var literalStart = 0
        var index = 0
        while index < count {
            let value = source[index]
            var end = index + 1
            while end < count && source[end] == value { end += 1 }
            if end - index >= 3 {
                written = literals(source, literalStart..<index, target, written)
                while index < end {
                    // A rest of a single byte opens the next literal.
                    let run = min(end - index, 128)
                    if run < 2 { break }
                    target[written] = UInt8(truncatingIfNeeded: 257 - run)
                    target[written + 1] = value
                    written += 2
                    index += run
                }
                literalStart = index
                index = end
            } else {
                index = end
            }
        }
        return literals(source, literalStart..<count, target, written)
    }

    private static func literals(
        _ source: UnsafePointer<UInt8>, _ range: Range<Int>, _ target: UnsafeMutablePointer<UInt8>, _ written: Int
    ) -> Int {
        var written = written
        var start = range.lowerBound
        while start < range.upperBound {
            let count = min(range.upperBound - start, 128)
            target[written] = UInt8(truncatingIfNeeded: count - 1)
            (target + written + 1).update(from: source + start, count: count)
            written += count + 1
            start += count
        }
        return written
    }
}
