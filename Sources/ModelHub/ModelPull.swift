import Digests
import Foundation
import Glibc

/// Fetches a repository's files into a folder, and what of them is there already only once.
public final class ModelPull: Sendable {
    /// What is to be fetched, and how.
    public struct Options: Sendable {
        /// Whose and which.
        public var repository: RepositoryName
        /// A branch, a tag or a commit.
        public var revision = "main"
        /// Where to.
        public var folder: String
        /// Which files.
        public var selection = FileSelection()
        /// Files that come at the same time.
        public var connections = 4
        /// Whether files that are there are hashed again, even if they look untouched.
        public var verifies = false
        /// The first pause after a failure.
        var firstPause: Duration = .seconds(1)

        /// All of a repository's model, from its main branch.
        public init(repository: RepositoryName, folder: String) {
            self.repository = repository
            self.folder = folder
        }
    }

    /// How far it is.
    public struct Progress: Sendable, Equatable {
        /// The file that began last.
        public var path = ""
        /// Bytes that came.
        public var doneBytes = 0
        /// Bytes that are to come in all.
        public var totalBytes = 0
    }

    /// What is there and what is missing.
    public struct Outlook: Sendable {
        /// 40 hexadecimal digits.
        public let commit: String
        /// The files that were chosen.
        public let files: [HubFile]
        /// Those of them that are still to come, small ones first.
        public let missing: [HubFile]
        /// Bytes of the missing ones that are still to come.
        public let missingBytes: Int
        /// Bytes that the disk still takes; nil where that cannot be known.
        public let freeBytes: Int?
        /// All paths that the repository has.
        fileprivate let paths: Set<String>

        /// Bytes of all files that were chosen.
        public var totalBytes: Int { files.reduce(0) { $0 + $1.size } }
    }

    private let address: HubAddress
    private let options: Options
    private let isCancelled: @Sendable () -> Bool

    /// - Parameter isCancelled: asked often, by several threads.
    public init(_ options: Options, at address: HubAddress, isCancelled: @escaping @Sendable () -> Bool) {
        self.options = options
        self.address = address
        self.isCancelled = isCancelled
    }

    /// Asks the hub and looks into the folder; nothing is fetched or written. Files that are there without a record of
    /// their hash are hashed, of which `show` learns.
    public func look(show: (Progress) -> Void = { _ in }) throws(HubError) -> Outlook {
        let client = try HubClient(options, address, isCancelled: isCancelled)
        let commit = try client.commit(of: options.revision)
        let all = try client.files(of: commit)
        let files = all.filter { options.selection.contains($0.path) }
        guard !files.isEmpty else {
            throw .nothingChosen(repository: options.repository.description, found: all.map(\.path))
        }
        let record = try record()
        var missing: [HubFile] = []
        var missingBytes = 0
        var progress = Progress(totalBytes: files.reduce(0) { $0 + $1.size })
        for file in files {
            progress.path = file.path
            let isThere = try isThere(file, record) { show(progress) }
            progress.doneBytes += file.size
            if isThere { continue }
            missing.append(file)
            let partial = PullFolder.status(PullFolder.partial(file, in: options.folder))
            missingBytes += max(0, file.size - (partial?.size ?? 0))
        }
        return Outlook(
            commit: commit, files: files, missing: missing.sorted { $0.size < $1.size }, missingBytes: missingBytes,
            freeBytes: PullFolder.freeBytes(options.folder), paths: Set(all.map(\.path)))
    }

    /// Fetches what is missing. `show` is called on this thread some times a second. Throws what the first file that
    /// failed says; what came until then stays and is taken up the next time.
    public func fetch(_ outlook: Outlook, show: (Progress) -> Void) throws(HubError) {
        if let free = outlook.freeBytes, free < outlook.missingBytes {
            throw .noRoom(folder: options.folder, neededBytes: outlook.missingBytes, freeBytes: free)
        }
        let former = try record()
        let folder = try PullFolder(path: options.folder)
        let record = newRecord(outlook, former)
        try folder.write(record)
        let work = PullWork(options, address, outlook, folder, record, isCancelled: isCancelled)
        var whole = try work.run(show: show)
        folder.removePartials()
        removeFormer(outlook, &whole)
        whole.isComplete = true
        try folder.write(whole)
    }

    // MARK: What is there

    /// The folder's record. Throws `folderTaken` if it is of another repository.
    private func record() throws(HubError) -> PullRecord? {
        guard let record = PullRecord.of(folder: options.folder) else { return nil }
        guard record.repository == options.repository.description else {
            throw .folderTaken(folder: options.folder, by: record.repository)
        }
        return record
    }

    /// Whether a file is there with the right bytes; `hashing` is told where that takes reading it.
    private func isThere(_ file: HubFile, _ record: PullRecord?, hashing: () -> Void) throws(HubError) -> Bool {
        let path = "\(options.folder)/\(file.path)"
        guard let status = PullFolder.status(path), status.size == file.size else { return false }
        let known = PullRecord.File(hash: file.hash.digits, size: status.size, modified: status.modified)
        if !options.verifies, record?.files[file.path] == known { return true }
        hashing()
        var digest = file.hash.begin(size: file.size)
        try PullFolder.add(path, count: file.size, to: &digest, isCancelled: isCancelled)
        return Digest.hexadecimal(digest.finalize()) == file.hash.digits
    }

    /// What holds while files come: those that are there.
    private func newRecord(_ outlook: Outlook, _ former: PullRecord?) -> PullRecord {
        var record = PullRecord(
            repository: options.repository.description, endpoint: address.endpoint, commit: outlook.commit,
            isComplete: false, files: former?.files ?? [:])
        let missing = Set(outlook.missing)
        for file in outlook.files where !missing.contains(file) { record.add(file, in: options.folder) }
        return record
    }

    /// Removes what came of an earlier commit, was not changed since, and is not in this one.
    private func removeFormer(_ outlook: Outlook, _ record: inout PullRecord) {
        for (path, file) in record.files where !outlook.paths.contains(path) {
            record.files[path] = nil
            let place = "\(options.folder)/\(path)"
            guard let status = PullFolder.status(place), status == (file.size, file.modified) else { continue }
            unlink(place)
        }
    }
}
