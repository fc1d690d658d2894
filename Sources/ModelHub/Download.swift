import Digests
import Glibc

/// One file on its way: from the server to its `.partial`, from there, if its hash is right, to its place.
struct Download {
    let file: HubFile
    let url: String
    let folder: PullFolder
    let client: HubClient
    /// Told about bytes that came (more than 0) or went for nothing (less).
    let gained: (Int) -> Void

    /// Fetches what is missing. Throws `damaged` if the whole is another file, whose bytes are then gone.
    func run() throws(HubError) {
        try client.patience.retrying(isCancelled: client.isCancelled) { attempt throws(HubError) in
            try fetch(&attempt)
        }
        try folder.finish(file)
    }

    /// One connection's worth: goes on from what is there.
    private func fetch(_ attempt: inout Patience.Attempt) throws(HubError) {
        let path = folder.partial(file)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw PullFolder.failure(path, "write") }
        let sink = Sink(file: file, path: path, descriptor: descriptor, gained: gained)
        defer { close(descriptor) }
        try sink.takeUp(isCancelled: client.isCancelled)
        let had = sink.count
        if had < file.size || file.size == 0 {
            defer { attempt.hasGained = sink.count > had }
            let head = try client.fetcher.get(
                Fetcher.Request(
                    url: url, address: client.address, firstByte: had,
                    body: { head, bytes throws(HubError) in try sink.take(bytes, of: head) },
                    isCancelled: client.isCancelled))
            attempt.retryAfter = head.retryAfter
            try client.check(head, url, revision: file.path)
        }
        guard sink.count == file.size else {
            throw .noConnection(
                address: Fetcher.host(url), reason: "\(sink.count) of \(file.size) bytes of \(file.path) came")
        }
        let found = sink.hash()
        guard found == file.hash.digits else {
            sink.discard()
            throw .damaged(path: file.path, expected: file.hash.digits, found: found)
        }
    }
}

/// Where a file's bytes go: the disk and its hash, in order.
private final class Sink {
    private let file: HubFile
    private let path: String
    private let descriptor: Int32
    private let gained: (Int) -> Void
    private var digest: Digest
    /// Bytes that are there.
    private(set) var count = 0
    private var isBegun = false

    init(file: HubFile, path: String, descriptor: Int32, gained: @escaping (Int) -> Void) {
        self.file = file
        self.path = path
        self.descriptor = descriptor
        self.gained = gained
        digest = file.hash.begin(size: file.size)
    }

    /// Takes up what an earlier attempt has left.
    func takeUp(isCancelled: () -> Bool) throws(HubError) {
        guard let status = PullFolder.status(path) else { return }
        guard status.size <= file.size else { return try restart() }
        try PullFolder.add(path, count: status.size, to: &digest, isCancelled: isCancelled)
        count = status.size
    }

    /// Takes a part of the response; what is no file is passed over.
    func take(_ bytes: UnsafeRawBufferPointer, of head: Fetcher.Head) throws(HubError) {
        guard (200..<300).contains(head.status) else { return }
        if !isBegun {
            isBegun = true
            // A server may know nothing of ranges and send all, or a range of its own choice.
            if count > 0, head.status != 206 || !Self.begins(head["content-range"], at: count) {
                let lost = count
                try restart()
                gained(-lost)
                guard head.status != 206 else {
                    throw .noConnection(address: file.path, reason: "another part of it came than was asked for")
                }
            }
        }
        guard bytes.count <= file.size - count else {
            throw .badAnswer(address: file.path, expected: "\(file.size) bytes", found: "more")
        }
        try write(bytes)
        digest.update(bytes)
        count += bytes.count
        gained(bytes.count)
    }

    /// What all bytes are known by.
    func hash() -> String {
        var whole = file.hash.begin(size: file.size)
        swap(&whole, &digest)
        return Digest.hexadecimal(whole.finalize())
    }

    /// Forgets all bytes.
    func discard() {
        ftruncate(descriptor, 0)
        gained(-count)
        count = 0
    }

    private func restart() throws(HubError) {
        guard ftruncate(descriptor, 0) == 0 else { throw PullFolder.failure(path, "write") }
        digest = file.hash.begin(size: file.size)
        count = 0
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(HubError) {
        var written = 0
        while written < bytes.count {
            let result = pwrite(
                descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(count + written))
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { throw PullFolder.failure(path, "write") }
            written += result
        }
    }

    /// Whether `bytes 5-9/10` begins at 5 (RFC 9110, section 14.4).
    private static func begins(_ range: String?, at first: Int) -> Bool {
        guard let range, range.lowercased().hasPrefix("bytes ") else { return false }
        return range.dropFirst(6).prefix { $0 != "-" } == "\(first)"
    }
}
