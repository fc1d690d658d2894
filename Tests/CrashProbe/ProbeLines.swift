import Glibc
import Synchronization

/// Lines to standard output, each one paid for with a byte of standard input.
final class ProbeLines: Sendable {
    /// Lines written.
    private let count = Mutex(0)

    func write(_ line: String) {
        count.withLock { count in
            var token: UInt8 = 0
            // The test has gone, or wants no more lines: wait for its kill.
            while read(0, &token, 1) != 1 { pause() }
            count += 1
            let bytes = Array((line + "\n").utf8)
            _ = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
        }
    }
}
