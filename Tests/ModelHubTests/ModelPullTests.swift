import Digests
import Foundation
import HubServer
import Synchronization
import Testing

@testable import ModelHub

/// A repository from a real socket to a real disk.
@Suite struct ModelPullTests {
    static let small = HubServer.File("model_index.json", Array("{}".utf8))
    static let large = HubServer.File(
        "transformer/some weights é.safetensors", (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 8) },
        isLarge: true)
    static let files = [
        HubServer.File(".gitattributes", Array("*.safetensors filter=lfs".utf8)), small, large,
        HubServer.File("vae/config.json", Array("{\"a\": 1}".utf8)), HubServer.File("vae/empty.txt", []),
        HubServer.File("picture.png", [1, 2, 3]), HubServer.File("README.md", Array("# A model".utf8)),
    ]
    static let wanted = ["README.md", "model_index.json", "transformer", "vae"]

    @Test func everythingThatAModelHas() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        let outlook = try folder.look(hub)
        #expect(outlook.files.count == 5 && outlook.missing.count == 5)
        #expect(outlook.missingBytes == outlook.totalBytes && outlook.commit == String(repeating: "a", count: 40))
        #expect(try folder.names() == [])
        let seen = Mutex<[ModelPull.Progress]>([])
        try folder.pull(hub, show: { progress in seen.withLock { $0.append(progress) } })
        #expect(try folder.names() == [".mica-pull"] + Self.wanted)
        for file in Self.files where file.path != ".gitattributes" && file.path != "picture.png" {
            #expect(try folder.bytes(file.path) == file.bytes, "\(file.path)")
        }
        #expect(try folder.names(".mica-pull") == ["lock", "record.json"])
        let last = try #require(seen.withLock { $0.last })
        #expect(last.doneBytes == last.totalBytes && last.totalBytes == outlook.totalBytes)
        let record = try #require(PullRecord.of(folder: folder.path))
        #expect(record.isComplete && record.repository == HubServer.repository && record.files.count == 5)

        // The second time nothing comes.
        let asked = hub.requests("/resolve/").count
        #expect(try folder.look(hub).missing.isEmpty)
        try folder.pull(hub)
        #expect(hub.requests("/resolve/").count == asked)
    }

    @Test func aTokenIsForTheHubAlone() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        try folder.pull(hub, token: "hf_secret")
        #expect(hub.requests("/api/").allSatisfy { $0.fields["authorization"] == "Bearer hf_secret" })
        #expect(hub.requests("/resolve/").allSatisfy { $0.fields["authorization"] == "Bearer hf_secret" })
        let elsewhere = hub.requests("/cdn/")
        #expect(!elsewhere.isEmpty && elsewhere.allSatisfy { $0.fields["authorization"] == nil })
        #expect(elsewhere.allSatisfy { $0.fields["host"]?.hasPrefix("localhost") == true })
    }

    /// Connections that end early, again and again: each goes on where the one before has ended.
    @Test func goesOnWhereAConnectionEnded() throws {
        let (hub, folder) = (HubServer([Self.small, Self.large]), try Folder())
        hub.change { state in
            state.override = { request in
                guard request.target.hasPrefix("/cdn/") else { return nil }
                let rest = Array(Self.large.bytes[request.firstByte...])
                let range = "bytes \(request.firstByte)-\(Self.large.bytes.count - 1)/\(Self.large.bytes.count)"
                return SocketServer.Response(
                    status: request.firstByte > 0 ? 206 : 200, fields: [("Content-Range", range)], body: rest,
                    cutAfter: rest.count > 40_000 ? 40_000 : nil)
            }
        }
        try folder.pull(hub)
        #expect(try folder.bytes(Self.large.path) == Self.large.bytes)
        let starts = hub.requests("/cdn/").map(\.firstByte)
        #expect(starts.count >= 8 && starts == starts.sorted() && Set(starts).count == starts.count)
    }

    @Test func goesOnWhereItWasStopped() throws {
        let (hub, folder) = (HubServer([Self.small, Self.large]), try Folder())
        let isStopped = Mutex(false)
        hub.change { state in
            state.override = { request in
                guard request.target.hasPrefix("/cdn/") else { return nil }
                isStopped.withLock { $0 = true }
                return SocketServer.Response(body: Self.large.bytes, cutAfter: 100_000)
            }
        }
        #expect(throws: HubError.cancelled) {
            try folder.pull(hub, isCancelled: { isStopped.withLock { $0 } })
        }
        // The small file may be there whole and not have its name yet.
        let partials = try folder.names(".mica-pull").filter { $0.hasSuffix(".partial") }
        #expect(PullRecord.of(folder: folder.path)?.isComplete == false)
        let count = try #require(try partials.map { try folder.bytes(".mica-pull/\($0)").count }.max())
        #expect(count <= 100_000)
        #expect(try folder.look(hub).missingBytes == Self.large.bytes.count - count)

        hub.change { $0.override = nil }
        try folder.pull(hub)
        #expect(try folder.bytes(Self.large.path) == Self.large.bytes)
        #expect(hub.requests("/cdn/").last?.firstByte == count)
    }

    /// Servers that answer a range with all of the file, or with another range.
    @Test(arguments: [200, 206]) func rangesThatAreNotWhatWasAskedFor(_ status: Int) throws {
        let (hub, folder) = (HubServer([Self.small, Self.large]), try Folder())
        let count = Mutex(0)
        hub.change { state in
            state.override = { request in
                guard request.target.hasPrefix("/cdn/") else { return nil }
                let number = count.withLock { value in
                    value += 1
                    return value
                }
                if number == 1 { return SocketServer.Response(body: Self.large.bytes, cutAfter: 50_000) }
                guard request.firstByte > 0 else { return SocketServer.Response(body: Self.large.bytes) }
                return SocketServer.Response(
                    status: status, fields: [("Content-Range", "bytes 0-9/300000")], body: Self.large.bytes)
            }
        }
        try folder.pull(hub)
        #expect(try folder.bytes(Self.large.path) == Self.large.bytes)
    }

    @Test(arguments: [408, 429, 500, 503]) func whatMayPassIsTriedAgain(_ status: Int) throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        let seen = Mutex<Set<String>>([])
        hub.change { state in
            state.override = { request in
                let isFirst = seen.withLock { $0.insert(request.target).inserted }
                return isFirst ? SocketServer.Response(status: status, fields: [("Retry-After", "0")]) : nil
            }
        }
        try folder.pull(hub)
        #expect(try folder.bytes(Self.large.path) == Self.large.bytes)
    }

    @Test func whatDoesNotPassEnds() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        hub.change { state in
            state.override = { $0.target.contains("/resolve/") ? SocketServer.Response(status: 500) : nil }
        }
        #expect(throws: HubError.refused(address: hub.endpoint, status: 500, reason: "")) { try folder.pull(hub) }
        #expect(PullRecord.of(folder: folder.path)?.isComplete == false)
    }

    @Test func aFileThatIsAnotherOne() throws {
        let (hub, folder) = (HubServer([Self.small, Self.large]), try Folder())
        hub.change { state in
            state.override = { request in
                guard request.target.hasPrefix("/cdn/") else { return nil }
                return SocketServer.Response(body: Self.large.bytes.reversed())
            }
        }
        let error = #expect(throws: HubError.self) { try folder.pull(hub) }
        guard case .damaged(let path, _, _)? = error else { throw try #require(error) }
        #expect(path == Self.large.path)
        // What is right stays; nothing of what is wrong does.
        #expect(try folder.names() == [".mica-pull", "model_index.json"])
        #expect(try folder.look(hub).missingBytes == Self.large.bytes.count)
        hub.change { $0.override = nil }
        try folder.pull(hub)
        #expect(try folder.bytes(Self.large.path) == Self.large.bytes)
    }

    /// Models have such files: a chat template beside the tokenizer and beside the processor.
    @Test func filesThatAreAlike() throws {
        let files = (1...8).map { HubServer.File("part\($0)/model.safetensors", Self.large.bytes, isLarge: true) }
        let (hub, folder) = (HubServer(files), try Folder())
        try folder.pull(hub)
        for file in files { #expect(try folder.bytes(file.path) == file.bytes, "\(file.path)") }
    }

    @Test func moreBytesThanTheListSays() throws {
        let (hub, folder) = (HubServer([Self.small, Self.large]), try Folder())
        hub.change { state in
            state.override = { request in
                guard request.target.hasPrefix("/cdn/") else { return nil }
                return SocketServer.Response(body: Self.large.bytes + [0])
            }
        }
        let error = #expect(throws: HubError.self) { try folder.pull(hub) }
        guard case .badAnswer? = error else { throw try #require(error) }
        #expect(try folder.names() == [".mica-pull", "model_index.json"])
    }

    @Test func aNewCommitChangesWhatIsNew() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        try folder.pull(hub)
        try folder.write("vae/empty.txt", [1])
        let config = HubServer.File("vae/config.json", Array("{\"a\": 2}".utf8))
        hub.publish([Self.small, Self.large, config], commit: String(repeating: "b", count: 40))
        let asked = hub.requests("/resolve/").count
        try folder.pull(hub)
        #expect(hub.requests("/resolve/").count == asked + 1)
        #expect(try folder.bytes("vae/config.json") == config.bytes)
        // The card is not in the new commit; the text, which is not either, is what somebody made of it.
        #expect(try folder.names() == [".mica-pull", "model_index.json", "transformer", "vae"])
        #expect(try folder.bytes("vae/empty.txt") == [1])
    }

    @Test func damageOnTheDisk() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        try folder.pull(hub)
        let time = try #require(try folder.modified(Self.large.path))
        var bytes = Self.large.bytes
        bytes[5] ^= 1
        try folder.write(Self.large.path, bytes, modified: time)
        #expect(try folder.look(hub).missing.isEmpty)
        #expect(try folder.look(hub, verifies: true).missing.map(\.path) == [Self.large.path])
        try folder.pull(hub, verifies: true)
        #expect(try folder.bytes(Self.large.path) == Self.large.bytes)
        // Files without a record are hashed, of which whoever asks learns; others are not read.
        try FileManager.default.removeItem(atPath: PullFolder.recordPath(folder.path))
        #expect(
            try folder.hashed(hub) == [
                "README.md", "model_index.json", Self.large.path, "vae/config.json", "vae/empty.txt",
            ])
        try folder.pull(hub)
        #expect(try folder.hashed(hub) == [])
        // A change that shows is seen without being asked for.
        try folder.write("vae/config.json", Array("{\"a\": 7}".utf8))
        #expect(try folder.look(hub).missing.map(\.path) == ["vae/config.json"])
    }

    @Test func foldersOfOthers() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        let held = try PullFolder(path: folder.path)
        #expect(throws: HubError.folderBusy(folder: folder.path)) { try folder.pull(hub) }
        try held.write(
            PullRecord(repository: "other/model", endpoint: "", commit: "", isComplete: true, files: [:]))
        #expect(throws: HubError.folderTaken(folder: folder.path, by: "other/model")) { try folder.look(hub) }
    }

    @Test func aDiskWithoutRoom() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        hub.change { state in
            state.override = { request in
                guard request.target.contains("/tree/") else { return nil }
                var entry = HubServer.entry(Self.large)
                entry["lfs"] = ["oid": String(repeating: "0", count: 64), "size": Int.max / 2]
                return HubServer.json([entry])
            }
        }
        let error = #expect(throws: HubError.self) { try folder.pull(hub) }
        guard case .noRoom(_, Int.max / 2, _)? = error else { throw try #require(error) }
        #expect(try folder.names() == [])
    }

    @Test func chosenFiles() throws {
        let (hub, folder) = (HubServer(Self.files), try Folder())
        try folder.pull(hub, FileSelection(include: ["*.png", "vae/"], exclude: ["*.txt"]))
        #expect(try folder.names() == [".mica-pull", "picture.png", "vae"])
        #expect(try folder.names("vae") == ["config.json"])
        let error = #expect(throws: HubError.self) { try folder.look(hub, FileSelection(include: ["*.gguf"])) }
        #expect(error?.description.contains("picture.png") == true && error?.description.contains("--include") == true)
    }
}

/// A folder that goes away with the test, and what is fetched into it.
final class Folder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("mica-hub-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func names(_ name: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)").sorted()
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    func write(_ name: String, _ bytes: [UInt8], modified: Date? = nil) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        if let modified {
            try FileManager.default.setAttributes([.modificationDate: modified], ofItemAtPath: "\(path)/\(name)")
            // What the record knows must be that time, to the last digit that can be set.
            guard var record = PullRecord.of(folder: path), let file = record.files[name],
                let status = PullFolder.status("\(path)/\(name)")
            else { return }
            record.files[name] = PullRecord.File(hash: file.hash, size: file.size, modified: status.modified)
            try PullFolder(path: path).write(record)
        }
    }

    func modified(_ name: String) throws -> Date? {
        try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.modificationDate] as? Date
    }

    private func work(
        _ hub: HubServer, _ selection: FileSelection, token: String?, verifies: Bool,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws -> ModelPull {
        var options = ModelPull.Options(repository: try RepositoryName(HubServer.repository), folder: path)
        options.selection = selection
        options.verifies = verifies
        options.firstPause = .milliseconds(1)
        return ModelPull(
            options, at: try HubAddress(endpoint: hub.endpoint, token: token), isCancelled: isCancelled)
    }

    @discardableResult
    func look(_ hub: HubServer, _ selection: FileSelection = FileSelection(), verifies: Bool = false) throws
        -> ModelPull.Outlook
    {
        try work(hub, selection, token: nil, verifies: verifies, isCancelled: { false }).look()
    }

    /// The files that are read to know what they are.
    func hashed(_ hub: HubServer) throws -> [String] {
        let paths = Mutex<[String]>([])
        let work = try work(hub, FileSelection(), token: nil, verifies: false, isCancelled: { false })
        _ = try work.look { progress in paths.withLock { $0.append(progress.path) } }
        return paths.withLock { $0.sorted() }
    }

    func pull(
        _ hub: HubServer, _ selection: FileSelection = FileSelection(), token: String? = nil, verifies: Bool = false,
        isCancelled: @escaping @Sendable () -> Bool = { false }, show: (ModelPull.Progress) -> Void = { _ in }
    ) throws {
        let work = try work(hub, selection, token: token, verifies: verifies, isCancelled: isCancelled)
        try work.fetch(try work.look(), show: show)
    }
}
