import ImageCodecs

/// How the fit works on the rows of a picture, on all processors.
extension Strips {
    /// Rows of a strip: what is computed twice at its edges is little beside it.
    static let rows = 64

    /// What `forEachStrip` calls.
    // @unchecked because every call writes rows of its own, and all have returned before `forEachStrip` does.
    private struct Body: @unchecked Sendable {
        let call: (Range<Int>) -> Void
    }

    /// Calls `body` with each strip of `count` rows, at the same time: it may write to nothing but those rows.
    static func forEachStrip(of count: Int, _ body: (Range<Int>) -> Void) {
        withoutActuallyEscaping(body) { body in
            let body = Body(call: body)
            forEach(rows: count, rowsPerStrip: rows) { body.call($0) }
        }
    }

    /// Calls `body` with each row, as `forEachStrip` does.
    static func forEachRow(of count: Int, _ body: (Int) -> Void) {
        forEachStrip(of: count) { for row in $0 { body(row) } }
    }

    /// Calls `body` with a picture's bytes.
    static func reading<Result>(_ picture: PixelBuffer, _ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        picture.bytes.withUnsafeBufferPointer { bytes in
            guard let pointer = bytes.baseAddress else { preconditionFailure("a picture without pixels") }
            return body(pointer)
        }
    }
}
