import Foundation

/// What a hub says about a repository, in the interface of huggingface.co, which mirrors speak too.
///
/// Endpoints: `/api/models/{repository}/revision/{revision}`, `/api/models/{repository}/tree/{commit}`, and
/// `/{repository}/resolve/{commit}/{path}` for files (huggingface_hub 2.4.0, `hf_api.py` and `file_download.py`).
struct HubClient {
    let address: HubAddress
    let repository: RepositoryName
    let fetcher: Fetcher
    let patience: Patience
    let isCancelled: () -> Bool

    /// A client for one thread. Throws `noLibrary` without libcurl.
    init(_ options: ModelPull.Options, _ address: HubAddress, isCancelled: @escaping () -> Bool) throws(HubError) {
        self.address = address
        self.isCancelled = isCancelled
        repository = options.repository
        patience = Patience(firstPause: options.firstPause)
        fetcher = try Fetcher()
    }

    private static let attemptsToAsk = 3
    /// Bytes of one answer.
    private static let mostBytes = 16 << 20
    /// Answers that a list is spread over, and files of a repository.
    private static let mostPages = 100
    private static let mostFiles = 20_000

    /// The commit that a branch, a tag or a commit's beginning means: 40 hexadecimal digits.
    func commit(of revision: String) throws(HubError) -> String {
        struct Answer: Decodable {
            var sha: String
        }
        // A branch may have slashes, which here are no folders.
        let url =
            address.address(["api/models", repository.description, "revision"]) + "/"
            + HubAddress.escaped(revision)
        let (answer, _) = try json(Answer.self, url, expected: "a revision", revision)
        guard HubFile.Hash.gitBlob(answer.sha).isWellFormed else {
            throw .badAnswer(address: Fetcher.host(url), expected: "a commit", found: "'\(answer.sha.prefix(64))'")
        }
        return answer.sha
    }

    /// All files of a commit.
    func files(of commit: String) throws(HubError) -> [HubFile] {
        var next: String? = address.address(
            ["api/models", repository.description, "tree", commit], query: "recursive=true")
        var files: [HubFile] = []
        var pages = 0
        while let url = next {
            pages += 1
            guard pages <= Self.mostPages, files.count <= Self.mostFiles else {
                throw .badAnswer(
                    address: address.endpoint, expected: "at most \(Self.mostFiles) files", found: "a longer list")
            }
            let (entries, head) = try json([Entry].self, url, expected: "a list of files", commit)
            for entry in entries where entry.type == "file" { files.append(try entry.file()) }
            next = try Self.nextPage(head["link"], of: address)
        }
        return files
    }

    /// The address of a file's bytes.
    func address(of file: HubFile, commit: String) -> String {
        address.address([repository.description, "resolve", commit, file.path])
    }

    /// An entry of a tree.
    private struct Entry: Decodable {
        struct LFS: Decodable {
            var oid: String
            var size: Int
        }

        var type: String
        var path: String
        var oid: String?
        var size: Int?
        var lfs: LFS?

        func file() throws(HubError) -> HubFile {
            if let lfs { return try HubFile(path: path, size: lfs.size, hash: .sha256(lfs.oid)) }
            return try HubFile(path: path, size: size ?? -1, hash: .gitBlob(oid ?? ""))
        }
    }

    /// An answer in JSON, with its head.
    private func json<Answer: Decodable>(
        _ type: Answer.Type, _ url: String, expected: String, _ revision: String
    ) throws(HubError) -> (Answer, Fetcher.Head) {
        // Somebody waits for this, and nothing would be lost.
        var patience = patience
        patience.attempts = Self.attemptsToAsk
        let (head, bytes) = try patience.retrying(isCancelled: isCancelled) { attempt throws(HubError) in
            var bytes: [UInt8] = []
            let head = try fetcher.get(
                Fetcher.Request(
                    url: url, address: address,
                    body: { _, part throws(HubError) in
                        guard bytes.count + part.count <= Self.mostBytes else {
                            throw .badAnswer(
                                address: Fetcher.host(url), expected: expected,
                                found: "more than \(Self.mostBytes >> 20) MiB")
                        }
                        bytes.append(contentsOf: part)
                    }, isCancelled: isCancelled))
            attempt.retryAfter = head.retryAfter
            try check(head, url, revision: revision)
            return (head, bytes)
        }
        do {
            return (try JSONDecoder().decode(type, from: Data(bytes)), head)
        } catch {
            throw .badAnswer(
                address: Fetcher.host(url), expected: expected, found: head["content-type"] ?? "something else")
        }
    }

    /// Throws for a status that is none of success, in words for the person who named the repository.
    func check(_ head: Fetcher.Head, _ url: String, revision: String) throws(HubError) {
        if (200..<300).contains(head.status) { return }
        let message = String((head["x-error-message"] ?? "").prefix(300))
        let token = address.token == nil ? "set HF_TOKEN to a token that may read it" : "the token may not read it"
        switch (head.status, head["x-error-code"]) {
        case (_, "GatedRepo"?):
            throw .notAllowed(
                "\(repository) is given to those who accept its terms",
                hint: "accept them at \(address.endpoint)/\(repository), and " + token)
        case (404, "RevisionNotFound"?): throw .notFound("\(repository) has no revision \(revision)", hint: "try main")
        case (404, "EntryNotFound"?): throw .notFound("\(repository) has no such file", hint: "run the command again")
        case (401, _), (403, _), (404, _):
            // A hub says 401 of what does not exist, too, to whom it does not know.
            throw .notFound(
                "\(address.endpoint) shows no \(repository) (\(head.status))",
                hint: "check the name, or, if it is private, " + token)
        default: throw .refused(address: Fetcher.host(url), status: head.status, reason: message)
        }
    }

    /// Where a list goes on (RFC 8288): the address in `<...>; rel="next"`, which must be of the same hub, or of the
    /// one that it mirrors.
    static func nextPage(_ link: String?, of address: HubAddress) throws(HubError) -> String? {
        guard let link else { return nil }
        for part in link.split(separator: ",") where part.contains("rel=\"next\"") {
            guard let open = part.firstIndex(of: "<"), let close = part.firstIndex(of: ">"), open < close else {
                continue
            }
            let url = String(part[part.index(after: open)..<close])
            // A mirror may pass on the original's address.
            for endpoint in [address.endpoint, HubAddress.huggingFace] where url.hasPrefix(endpoint + "/") {
                return address.endpoint + url.dropFirst(endpoint.count)
            }
            throw .badAnswer(
                address: address.endpoint, expected: "a list that goes on there",
                found: "one that goes on at \(Fetcher.host(url))")
        }
        return nil
    }
}

extension Fetcher.Head {
    /// What `Retry-After` asks for, where it is in seconds (RFC 9110, section 10.2.3).
    var retryAfter: Duration? { self["retry-after"].flatMap { Int($0) }.map { .seconds(max(0, min($0, 3600))) } }
}
