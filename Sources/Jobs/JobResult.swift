import DurableStorage

/// The files of a job that succeeded. They can be read for as long as this value lives, even if the job expires or is
/// deleted meanwhile.
public struct JobResult: Sendable {
    enum Content: Sendable {
        case memory([JobResultFile])
        /// All files in one, one after the other.
        case stored(StoredFile, offsets: [Int])
    }

    /// What there is, in the order in which the executor gave it.
    public let files: [JobResultFile.Description]
    /// When the job ended.
    public let endedAt: JobInstant?
    let content: Content

    /// True for one that this value holds in memory.
    public var isInMemory: Bool {
        if case .memory = content { true } else { false }
    }

    /// The bytes of the file at `index` of `files`, or those of `range` of them. Blocks while they are read. Throws
    /// `storage`.
    public func bytes(of index: Int, _ range: Range<Int>? = nil) throws(JobError) -> [UInt8] {
        precondition(files.indices.contains(index), "a result of \(files.count) files has none at \(index)")
        let whole = 0..<files[index].byteCount
        let range = range ?? whole
        precondition(
            whole.lowerBound <= range.lowerBound && range.upperBound <= whole.upperBound,
            "a file of \(whole.count) bytes has none at \(range)")
        switch content {
        case .memory(let files): return range == whole ? files[index].bytes : Array(files[index].bytes[range])
        case .stored(let file, let offsets):
            do {
                return try file.bytes(offsets[index] + range.lowerBound..<offsets[index] + range.upperBound)
            } catch {
                throw .storage(error)
            }
        }
    }
}
