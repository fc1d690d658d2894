import Foundation
import Glibc

/// How fast a file comes from storage.
enum StorageSpeed {
    private static let sampleBytes = 64 << 20
    private static let blockBytes = 4 << 20

    /// Bytes a second of a sample in the middle of a file; nil if it is too small to tell or cannot be read.
    static func bytesPerSecond(of file: URL?) -> Double? {
        guard let path = file?.path else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size >= 2 * sampleBytes else { return nil }
        guard let buffer = aligned_alloc(4096, blockBytes) else { return nil }
        defer { free(buffer) }
        // What the system has of it in its cache is let go first, so that storage is measured and not memory.
        let first = size / 2 / blockBytes * blockBytes
        posix_fadvise(descriptor, off_t(first), off_t(sampleBytes), POSIX_FADV_DONTNEED)
        let start = ContinuousClock.now
        for offset in stride(from: first, to: first + sampleBytes, by: blockBytes) {
            guard pread(descriptor, buffer, blockBytes, off_t(offset)) == blockBytes else { return nil }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return seconds > 0 ? Double(sampleBytes) / seconds : nil
    }
}
