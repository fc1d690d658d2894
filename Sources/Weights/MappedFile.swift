import Foundation
import Glibc
import TensorCore

/// A regular file mapped read-only: its bytes are paged in as they are touched, and given back by the system when it
/// needs room.
///
/// The descriptor stays open beside the mapping, so that bytes can be read without becoming resident pages of this
/// process; both go with the object. A file that is cut short
/// by somebody else while it is mapped ends the process with a bus error when the missing part is touched; replace
/// checkpoints by renaming.
public final class MappedFile: HostMemory {
    /// What messages call the file.
    public let name: String
    /// Bytes in all; at least 1.
    public let byteCount: Int
    let address: UnsafeMutableRawPointer
    let descriptor: Int32
    /// The same file for reads past the system's cache; nil where the file system cannot do that.
    let directDescriptor: Int32?

    /// Maps a file; symbolic links are followed, as the Hub's cache needs it.
    ///
    /// - Parameter name: what messages call the file; the path if nil.
    /// - Throws: `fileMissing`, `notRegularFile`, `emptyFile`, `pointerFile`, or `io` with the system's reason.
    public init(file: URL, name: String? = nil) throws(WeightsError) {
        let name = name ?? file.path
        // Without O_NONBLOCK, opening a named pipe would wait for a writer before its kind can be looked at.
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw .fileMissing(file: name) }
            throw .io(operation: "open", file: name, code: errno)
        }
        var isOpen = false
        defer { if !isOpen { close(descriptor) } }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .io(operation: "examine", file: name, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile(file: name) }
        guard status.st_size > 0 else { throw .emptyFile(file: name) }
        let byteCount = Int(status.st_size)
        let address = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw .io(operation: "map", file: name, code: errno)
        }
        self.name = name
        self.byteCount = byteCount
        self.address = address
        self.descriptor = descriptor
        // By way of the descriptor, so that it is the same file whatever its name stands for by now.
        let direct = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC | Self.directFlag)
        directDescriptor = direct < 0 ? nil : direct
        isOpen = true
        if byteCount <= Self.longestPointer, bytes(in: 0..<byteCount).starts(with: Self.pointerSign.utf8) {
            throw .pointerFile(file: name)
        }
    }

    /// A pointer of Git LFS begins so (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md), and is shorter.
    private static let pointerSign = "version https://git-lfs.github.com/spec/"
    private static let longestPointer = 1024

    deinit {
        munmap(address, byteCount)
        close(descriptor)
        if let directDescriptor { close(directDescriptor) }
    }

    /// `O_DIRECT`, which the C library does not show to Swift.
    private static var directFlag: Int32 {
        #if arch(arm64)
            0o200000
        #else
            0o40000
        #endif
    }

    /// Its pages take memory once they are touched.
    public var isMapped: Bool { true }

    /// Lends the file's bytes.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: address, count: byteCount))
    }

    /// A copy of the bytes in `range`, which lies inside the file.
    func bytes(in range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        return withUnsafeBytes { Array($0[range]) }
    }
}

// @unchecked because the pointer refers to read-only pages that nothing changes or unmaps before deinit.
extension MappedFile: @unchecked Sendable {}
