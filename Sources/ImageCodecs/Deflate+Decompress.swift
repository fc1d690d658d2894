import CImages

extension Deflate {
    /// Decompresses to exactly `count` bytes; nil if the data is not what it says, or gives more or fewer.
    ///
    /// With `ignoresRest`, bytes behind the end of the stream do not matter. The caller has bounded `count`. Throws
    /// `ImageError.codecFailure` without memory.
    static func decompress(
        _ bytes: ArraySlice<UInt8>, count: Int, container: Container, ignoresRest: Bool = false
    ) throws(ImageError) -> [UInt8]? {
        guard let decompressor = libdeflate_alloc_decompressor() else {
            throw .codecFailure(operation: "decompressing", detail: "no memory")
        }
        defer { libdeflate_free_decompressor(decompressor) }
        var isWhole = false
        let result = bytes.withUnsafeBufferPointer { bytes in
            [UInt8](unsafeUninitializedCapacity: max(count, 1)) { target, written in
                var used = 0
                let status =
                    container == .zlib
                    ? libdeflate_zlib_decompress_ex(
                        decompressor, bytes.baseAddress, bytes.count, target.baseAddress, count, &used, nil)
                    : libdeflate_deflate_decompress_ex(
                        decompressor, bytes.baseAddress, bytes.count, target.baseAddress, count, &used, nil)
                isWhole = status == LIBDEFLATE_SUCCESS && (ignoresRest || used == bytes.count)
                written = isWhole ? count : 0
            }
        }
        return isWhole ? result : nil
    }
}
