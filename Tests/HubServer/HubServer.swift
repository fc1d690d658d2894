import Digests
import Foundation
import Synchronization

/// A hub for tests: a repository in the interface of huggingface.co, files of Git LFS behind a redirect to another
/// host.
/// `tools/e2e/test_pull.py` holds it against huggingface_hub by a server of the same answers.
public final class HubServer: Sendable {
    /// A file of a commit.
    public struct File: Sendable {
        public var path: String
        public var bytes: [UInt8]
        /// Whether Git LFS has it, as it has what is large.
        public var isLarge: Bool

        /// A file with these bytes.
        public init(_ path: String, _ bytes: [UInt8], isLarge: Bool = false) {
            self.path = path
            self.bytes = bytes
            self.isLarge = isLarge
        }
    }

    /// What a test may change at any time.
    public struct State: Sendable {
        /// The files of each commit by its 40 digits.
        public var commits: [String: [File]] = [:]
        /// The commit of each branch and tag.
        public var revisions: [String: String] = [:]
        /// What is asked first; nil leaves the request to the hub.
        public var override: (@Sendable (SocketServer.Request) -> SocketServer.Response?)?
        /// Entries of a list's page.
        public var pageLength = 3
        /// All requests.
        public fileprivate(set) var requests: [SocketServer.Request] = []
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
        let port = Mutex<UInt16>(0)
    }

    /// Its only repository.
    public static let repository = "owner/some-model"
    private let shared = Shared()
    private let server: SocketServer

    /// A hub whose branch `main` is one commit of these files.
    public init(_ files: [File] = []) {
        let shared = shared
        server = SocketServer { request in
            let override = shared.state.withLock { state in
                state.requests.append(request)
                return state.override
            }
            return override?(request) ?? Self.answer(request, shared)
        }
        shared.port.withLock { $0 = server.port }
        publish(files, commit: String(repeating: "a", count: 40))
    }

    /// `http://127.0.0.1:PORT`.
    public var endpoint: String { "http://127.0.0.1:\(server.port)" }

    /// Makes `main` a commit of these files.
    public func publish(_ files: [File], commit: String) {
        shared.state.withLock { state in
            state.commits[commit] = files
            state.revisions["main"] = commit
        }
    }

    /// Changes how it behaves.
    public func change(_ body: (inout State) -> Void) {
        shared.state.withLock { body(&$0) }
    }

    /// The requests so far whose target has `text` in it.
    public func requests(_ text: String = "") -> [SocketServer.Request] {
        shared.state.withLock { $0.requests.filter { text.isEmpty || $0.target.contains(text) } }
    }

    /// The list's entry of a file, as huggingface.co writes it.
    public static func entry(_ file: File) -> [String: Any] {
        var blob = Digest(.sha1)
        blob.update(Array("blob \(file.bytes.count)\0".utf8))
        blob.update(file.bytes)
        var entry: [String: Any] = [
            "type": "file", "path": file.path, "size": file.bytes.count, "oid": Digest.hexadecimal(blob.finalize()),
        ]
        if file.isLarge {
            let hash = Digest.hexadecimal(Digest.sha256(of: file.bytes))
            entry["lfs"] = ["oid": hash, "size": file.bytes.count, "pointerSize": 134] as [String: Any]
        }
        return entry
    }

    /// An answer in JSON.
    public static func json(_ object: Any, status: Int = 200, _ fields: [(String, String)] = [])
        -> SocketServer.Response
    {
        let body = (try? JSONSerialization.data(withJSONObject: object, options: .sortedKeys)) ?? Data()
        return SocketServer.Response(
            status: status, fields: [("Content-Type", "application/json")] + fields, body: Array(body))
    }

    private static func answer(_ request: SocketServer.Request, _ shared: Shared) -> SocketServer.Response {
        let (path, query) = split(request.target)
        let parts = path.split(separator: "/").map { $0.removingPercentEncoding ?? "" }
        let port = shared.port.withLock { $0 }
        return shared.state.withLock { state in
            let missing = SocketServer.Response(status: 404, fields: [("X-Error-Code", "EntryNotFound")])
            if parts.first == "cdn", parts.count == 2 {
                let file = state.commits.values.joined().first {
                    Digest.hexadecimal(Digest.sha256(of: $0.bytes)) == parts[1]
                }
                return file.map { whole($0.bytes, from: request.firstByte) } ?? missing
            }
            guard parts.count > 3, parts[0] != "api" || parts.count > 4 else { return missing }
            let name = parts[0] == "api" ? parts[2...3] : parts[0...1]
            guard name.joined(separator: "/") == repository else {
                return SocketServer.Response(status: 401, fields: [("X-Error-Code", "RepoNotFound")])
            }
            let revision = parts[0] == "api" ? parts.count > 5 ? parts[5] : "" : parts[3]
            guard let files = state.commits[state.revisions[revision] ?? revision] else {
                return SocketServer.Response(status: 404, fields: [("X-Error-Code", "RevisionNotFound")])
            }
            switch parts[0] == "api" ? parts[4] : parts[2] {
            case "revision": return json(["sha": state.revisions[revision] ?? revision, "siblings": []])
            case "tree": return tree(files, query, pageLength: state.pageLength, request.target, port: port)
            default:
                guard let file = files.first(where: { $0.path == parts[4...].joined(separator: "/") }) else {
                    return missing
                }
                guard file.isLarge else { return whole(file.bytes, from: request.firstByte) }
                let hash = Digest.hexadecimal(Digest.sha256(of: file.bytes))
                return SocketServer.Response(
                    status: 302, fields: [("Location", "http://localhost:\(port)/cdn/\(hash)")])
            }
        }
    }

    private static func split(_ target: String) -> (path: String, query: String) {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        return (parts[0], parts.count > 1 ? parts[1] : "")
    }

    /// Folders come between the files, and a list in pages.
    private static func tree(
        _ files: [File], _ query: String, pageLength: Int, _ target: String, port: UInt16
    ) -> SocketServer.Response {
        let folders = Set(files.flatMap { $0.path.split(separator: "/").dropLast().prefix(1).map(String.init) })
        let entries =
            folders.sorted().map { ["type": "directory", "path": $0, "size": 0, "oid": "0"] as [String: Any] }
            + files.map(entry)
        let first = query.split(separator: "&").first { $0.hasPrefix("cursor=") }.flatMap { Int($0.dropFirst(7)) } ?? 0
        let end = min(first + pageLength, entries.count)
        let base = "http://127.0.0.1:\(port)\(split(target).path)?recursive=true"
        let link = end < entries.count ? [("Link", "<\(base)&cursor=\(end)>; rel=\"next\"")] : []
        return json(Array(entries[first..<end]), link)
    }

    private static func whole(_ bytes: [UInt8], from first: Int) -> SocketServer.Response {
        guard first > 0 else { return SocketServer.Response(fields: [("Accept-Ranges", "bytes")], body: bytes) }
        guard first < bytes.count else { return SocketServer.Response(status: 416) }
        let range = "bytes \(first)-\(bytes.count - 1)/\(bytes.count)"
        return SocketServer.Response(status: 206, fields: [("Content-Range", range)], body: Array(bytes[first...]))
    }
}
