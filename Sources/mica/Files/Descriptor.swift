import Glibc

/// Whole reads and writes of a file descriptor, whatever it is: a file, a pipe, a terminal, a device.
enum Descriptor {
    private static let blockBytes = 1 << 20

    /// Writes all bytes; the `errno` of what kept it from that, or nil.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.write(descriptor, raw.baseAddress.map { $0 + written }, raw.count - written)
            }
            if count > 0 {
                written += count
            } else if count == 0 {
                return ENOSPC
            } else if errno == EAGAIN {
                // Somebody before us on this terminal or pipe has made it so that writing does not wait.
                wait(descriptor, for: POLLOUT)
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }

    /// All bytes up to the end, or one more than `limit` if there are more. Throws nothing but the `errno`.
    static func read(_ descriptor: Int32, limit: Int, expecting expected: Int) -> Result<[UInt8], ErrorNumber> {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(expected, limit) + 1)
        var block = [UInt8](repeating: 0, count: blockBytes)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &block, min(block.count, limit + 1 - bytes.count))
            if count == 0 { break }
            if count > 0 {
                bytes += block[..<count]
            } else if errno == EAGAIN {
                wait(descriptor, for: POLLIN)
            } else if errno != EINTR {
                return .failure(ErrorNumber(code: errno))
            }
        }
        return .success(bytes)
    }

    /// An `errno` as an error.
    struct ErrorNumber: Error {
        let code: Int32
    }

    private static func wait(_ descriptor: Int32, for events: Int32) {
        var wanted = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        poll(&wanted, 1, -1)
    }
}
