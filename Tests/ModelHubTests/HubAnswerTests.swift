import Foundation
import HubServer
import Synchronization
import Testing

@testable import ModelHub

/// What a hub may answer that is no list of a model's files.
@Suite struct HubAnswerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// Which requests are answered so.
        let target: String
        let response: SocketServer.Response
        let expected: String

        var testDescription: String { expected }
    }

    private static func entry(_ changes: [String: any Sendable]) -> SocketServer.Response {
        var entry = HubServer.entry(ModelPullTests.small)
        for (key, value) in changes { entry[key] = value }
        return HubServer.json([entry])
    }

    static let cases = [
        Case(target: "/revision/", response: refusal(401, "RepoNotFound"), expected: "HF_TOKEN"),
        Case(target: "/revision/", response: refusal(404, "RepoNotFound"), expected: "check the name"),
        Case(target: "/revision/", response: refusal(403, "GatedRepo"), expected: "accept them at"),
        Case(target: "/revision/", response: refusal(404, "RevisionNotFound"), expected: "has no revision main"),
        Case(target: "/revision/", response: refusal(418, "", "a tea pot"), expected: "answered 418: a tea pot"),
        Case(target: "/revision/", response: HubServer.json(["sha": "main"]), expected: "instead of a commit"),
        Case(target: "/revision/", response: HubServer.json(["id": 1]), expected: "is it a hub?"),
        Case(target: "/revision/", response: page, expected: "text/html"),
        Case(target: "/revision/", response: redirect("ftp://127.0.0.1/x"), expected: "ftp"),
        Case(
            target: "/revision/", response: redirect("/api/models/owner/some-model/revision/main"), expected: "redirect"
        ),
        Case(target: "/tree/", response: page, expected: "instead of a list of files"),
        Case(target: "/tree/", response: entry(["path": "../x"]), expected: "'../x'"),
        Case(target: "/tree/", response: entry(["path": "a/../../x"]), expected: "'a/../../x'"),
        Case(target: "/tree/", response: entry(["path": "/etc/passwd"]), expected: "'/etc/passwd'"),
        Case(target: "/tree/", response: entry(["path": "a//b"]), expected: "'a//b'"),
        Case(target: "/tree/", response: entry(["path": ""]), expected: "''"),
        Case(target: "/tree/", response: entry(["path": "a\u{0}b"]), expected: "a file's path"),
        Case(target: "/tree/", response: entry(["path": ".mica-pull/lock"]), expected: "a file's path"),
        Case(
            target: "/tree/", response: entry(["path": String(repeating: "x", count: 1025)]),
            expected: "a file's path"),
        Case(target: "/tree/", response: entry(["size": -5]), expected: "0 or more"),
        Case(target: "/tree/", response: entry(["oid": "xyz"]), expected: "hash is 64"),
        Case(target: "/tree/", response: entry(["oid": String(repeating: "Z", count: 40)]), expected: "hash is 64"),
        Case(target: "/tree/", response: entry(["size": 1e300]), expected: "instead of a list"),
        Case(
            target: "/tree/", response: HubServer.json([], [("Link", "<https://evil.example/x>; rel=\"next\"")]),
            expected: "https://evil.example"),
        Case(target: "/tree/", response: HubServer.json([]), expected: "no files"),
        Case(
            target: "/tree/",
            response: SocketServer.Response(body: [UInt8](repeating: 0x5B, count: (16 << 20) + 1)), expected: "16 MiB"),
        Case(
            target: "/tree/", response: SocketServer.Response(body: [UInt8](repeating: 0x5B, count: 1 << 20)),
            expected: "instead of a list"),
    ]

    private static let page = SocketServer.Response(fields: [("Content-Type", "text/html")], body: Array("<p>".utf8))

    private static func refusal(_ status: Int, _ code: String, _ message: String = "") -> SocketServer.Response {
        SocketServer.Response(status: status, fields: [("X-Error-Code", code), ("X-Error-Message", message)])
    }

    private static func redirect(_ address: String) -> SocketServer.Response {
        SocketServer.Response(status: 302, fields: [("Location", address)])
    }

    @Test(arguments: cases) func answersThatAreNone(_ example: Case) throws {
        let (hub, folder) = (HubServer(ModelPullTests.files), try Folder())
        hub.change { $0.override = { $0.target.contains(example.target) ? example.response : nil } }
        let error = #expect(throws: HubError.self) { try folder.pull(hub) }
        let text = try #require(error).description
        #expect(text.contains(example.expected), "\(text)")
        #expect(try folder.names() == [])
    }

    @Test func aListThatNeverEnds() throws {
        let (hub, folder) = (HubServer(ModelPullTests.files), try Folder())
        hub.change { state in
            state.override = { request in
                guard request.target.contains("/tree/") else { return nil }
                return HubServer.json([], [("Link", "<https://huggingface.co/tree/again>; rel=\"next\"")])
            }
        }
        let error = #expect(throws: HubError.self) { try folder.look(hub) }
        #expect(error?.description.contains("a longer list") == true)
        #expect(hub.requests("/tree/").count == 100)
    }

    /// Every byte of a good list wrong once, and the list cut everywhere: an error, or another good list.
    @Test func listsThatAreBroken() throws {
        let list = HubServer.json([HubServer.entry(ModelPullTests.small), HubServer.entry(ModelPullTests.large)]).body
        let broken =
            list.indices.map { index in Array(list[..<index]) }
            + list.indices.map { index in
                var bytes = list
                bytes[index] ^= UInt8(1 << (index % 8))
                return bytes
            }
        let (hub, folder) = (HubServer(ModelPullTests.files), try Folder())
        let next = Mutex<[UInt8]>([])
        hub.change { state in
            state.override = { request in
                guard request.target.contains("/tree/") else { return nil }
                return SocketServer.Response(body: next.withLock { $0 })
            }
        }
        var errors = 0
        for bytes in broken {
            next.withLock { $0 = bytes }
            do { try folder.look(hub) } catch is HubError { errors += 1 }
        }
        #expect(errors > broken.count / 2)
    }

    /// A request that found no server leaves nothing that is held against the next one.
    @Test func everyRequestHasItsOwnReason() throws {
        let (fetcher, address) = (try Fetcher(), try HubAddress())
        for _ in 0..<3 {
            let error = #expect(throws: HubError.self) {
                // By its scheme it is refused before a name is looked for.
                _ = try fetcher.get(
                    Fetcher.Request(
                        url: "http://hub.invalid", address: address, body: { _, _ in }, isCancelled: { false }))
            }
            let text = try #require(error).description
            #expect(text.hasPrefix("http://hub.invalid cannot be asked: ") && text.contains("rotocol"), "\(text)")
        }
    }

    @Test func noHubAtAll() throws {
        let (hub, folder) = (HubServer(), try Folder())
        hub.change { $0.override = { _ in SocketServer.Response(body: [1, 2], cutAfter: 1) } }
        let error = #expect(throws: HubError.self) { try folder.look(hub) }
        guard case .noConnection(hub.endpoint, _)? = error else { throw try #require(error) }
        #expect(hub.requests().count == 3)
    }
}
