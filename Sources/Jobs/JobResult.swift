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
    let content: Content

    /// The bytes of the file at `index` of `files`. Blocks while they are read. Throws `storage`.
    public func bytes(of index: Int) throws(JobError) -> [UInt8] {
        precondition(files.indices.contains(index), "a result of \(files.count) files has none at \(index)")
        switch content {
        case .memory(let files): return files[index].bytes
        case .stored(let file, let offsets):
            do {
                return try file.bytes(offsets[index]..<offsets[index] + files[index].byteCount)
            } catch {
                throw .storage(error)
            }
        }
    }
}
