import CImages

/// libdeflate over whole buffers.
enum Deflate {
    /// What goes around the deflated data.
    enum Container {
        /// A zlib stream, as PNG has it.
        case zlib
        /// Nothing, as ZIP has it.
        case none
    }

    /// Compresses at libdeflate's `level` (1...12).
    ///
    /// Throws `ImageError.codecFailure` without memory.
    static func compress(
        _ bytes: UnsafeBufferPointer<UInt8>, level: Int32, container: Container
    ) throws(ImageError) -> [UInt8] {
        guard let compressor = libdeflate_alloc_compressor(level) else {
            throw .codecFailure(operation: "compressing", detail: "no memory")
        }
        defer { libdeflate_free_compressor(compressor) }
        let bound =
            container == .zlib
            ? libdeflate_zlib_compress_bound(compressor, bytes.count)
            : libdeflate_deflate_compress_bound(compressor, bytes.count)
        // Nothing is written behind what comes of it: the rest of the bound stays addresses without memory.
        let result = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            count =
                container == .zlib
                ? libdeflate_zlib_compress(compressor, bytes.baseAddress, bytes.count, target.baseAddress, bound)
                : libdeflate_deflate_compress(compressor, bytes.baseAddress, bytes.count, target.baseAddress, bound)
        }
        // Zero means that the bound did not suffice, which the library rules out; an empty input still makes a block.
        guard !result.isEmpty else { throw .codecFailure(operation: "compressing", detail: "libdeflate gave nothing") }
        return result
    }

    /// The most bytes that `count` bytes become in a zlib stream, at any level: all of them stored as they are.
    static func zlibBound(_ count: Int) -> Int { libdeflate_zlib_compress_bound(nil, count) }

    /// What compressing takes at most besides what goes in and comes out: the tables of libdeflate's fast levels.
    static let tableBytes = 1 << 20

    /// CRC-32 as PNG and ZIP use it.
    static func crc32(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        libdeflate_crc32(crc, bytes.baseAddress, bytes.count)
    }
}
