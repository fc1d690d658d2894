import ImageCodecs

/// What writing a result's files takes at most besides its layers: a folder's, which are the most that are there at
/// once.
///
/// What becomes of the layers nobody knows beforehand. Each is counted as large as a file of its size can be, which is
/// what noise becomes: photographs come near to that in PSDs, whose coding makes something of equal pixels alone.
struct WritingSpace {
    /// Bytes at most.
    let peakBytes: Int

    /// More than what a file says of how it was made, the prompts aside.
    private static let noteBytes = 16 << 10
    /// A prompt is in the text and in the JSON, where each byte may be six.
    private static let bytesAPromptByte = 8
    /// More than what a PSD has besides its planes: its preview, a profile, the layers' entries.
    private static let frameBytes = 128 << 10

    /// - Parameters:
    ///   - images: results of the job.
    ///   - layers: of each, which the job makes.
    ///   - width: of these, in pixels.
    ///   - height: the same.
    ///   - others: that are written beside them.
    ///   - promptBytes: of the prompts together.
    ///   - processors: that write at the same time.
    init(
        images: Int, layers: Int, width: Int, height: Int, others: OtherLayers?, promptBytes: Int, processors: Int
    ) {
        let (columns, rows) = others.map { ($0.width, $0.height) } ?? (width, height)
        let count = images * (layers + (others?.count ?? 0))
        let notes = Self.noteBytes + Self.bytesAPromptByte * promptBytes
        let files = count * (PNGEncoder.largestByteCount(width: columns, height: rows) + notes)
        // What each PNG takes that is made at the same time is gone when the files are there twice: as they come, and
        // with notes.
        let encoding = min(count, processors) * PNGEncoder.workspaceBytes(width: columns, height: rows)
        // The planes of one image after another, which become its file: those of each layer are there twice, one after
        // the other, and before there is a file all of them beside the flat picture, which is no larger.
        let merged = PSDWriter.largestByteCount(width: columns, height: rows)
        let planes = layers * PSDWriter.largestByteCount(width: width, height: height)
        let photoshop = planes + (others?.largestPhotoshopBytes ?? 0) + merged + notes + Self.frameBytes
        peakBytes = files + max(encoding, files, images * photoshop + merged)
    }
}
