import Foundation
import HubServer
import Testing

/// `mica pull` and `mica models` from the outside, and models by a repository's name.
@Suite struct PullCommandTests {
    /// The golden model as a repository; what is large is of Git LFS.
    private static func hub() throws -> HubServer {
        let folder = URL(fileURLWithPath: DecomposeCommandTests.model)
        let names = FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String] ?? []
        let files = try names.sorted().compactMap { name -> HubServer.File? in
            let path = folder.appendingPathComponent(name)
            guard try path.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == false else { return nil }
            return HubServer.File(name, Array(try Data(contentsOf: path)), isLarge: name.hasSuffix(".safetensors"))
        }
        return HubServer(files)
    }

    private static func environment(_ folder: TemporaryFolder, _ more: [String: String] = [:]) -> [String: String] {
        [
            "MICA_MODELS": folder.path("models"), "HF_HOME": folder.path("hf"), "HF_HUB_OFFLINE": "", "HF_TOKEN": "",
            "HF_TOKEN_PATH": "", "HF_HUB_CACHE": "", "HF_ENDPOINT": "", "SSL_CERT_FILE": "", "CURL_CA_BUNDLE": "",
        ].merging(more) { $1 }
    }

    @Test func aModelByItsName() throws {
        let (hub, folder) = (try Self.hub(), try TemporaryFolder())
        let environment = Self.environment(folder, ["HF_ENDPOINT": hub.endpoint])
        let name = HubServer.repository
        var named = DecomposeCommandTests.quick + ["-o", folder.path("layers")]
        named[3] = name
        let early = try MicaProcess(named, environment: environment)
        #expect(early.status == 1 && early.errors.contains("`mica pull \(name)` fetches it"), "\(early.errors)")

        let dry = try MicaProcess(["pull", name, "--dry-run"], environment: environment)
        #expect(dry.status == 0 && dry.output.contains("to come") && dry.output.contains("model_index.json"))
        #expect(try folder.contents() == [])

        let pull = try MicaProcess(["pull", name], environment: environment)
        #expect(pull.status == 0 && pull.output.contains("--model \(name)"), "\(pull.errors)")
        // Not a terminal: a line for each file.
        #expect(pull.errors.contains("vae/") && !pull.errors.contains("\r"))
        let again = try MicaProcess(["pull", name, "--json"], environment: environment)
        let report = try #require(try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [String: Any])
        #expect(report["fetched_files"] as? Int == 0 && report["folder"] as? String == folder.path("models/\(name)"))
        #expect(again.errors == "")

        let models = try MicaProcess(["models"], environment: environment)
        #expect(models.output.contains(name) && models.output.contains(folder.path("models/\(name)")))
        let listed = try MicaProcess(["models", "--json"], environment: environment)
        let list = try #require(try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]])
        let pulled = try #require(list.first { $0["name"] as? String == name })
        #expect(pulled["folder"] as? String == folder.path("models/\(name)") && pulled["kept_by"] as? String == "mica")
        #expect(pulled["is_complete"] as? Bool == true && pulled["hub"] as? String == hub.endpoint)
        #expect((pulled["bytes"] as? Int ?? 0) > 1000 && (pulled["commit"] as? String)?.count == 40)
        #expect(list.contains { $0["name"] as? String == "seedling" && $0["kept_by"] as? String == "built-in" })
        // Without a network, and the same as from the folder.
        hub.change { $0.override = { _ in SocketServer.Response(status: 500) } }
        #expect(try MicaProcess(named, environment: environment).status == 0)
        let direct = try MicaProcess(DecomposeCommandTests.quick + ["--no-metadata", "-o", folder.path("direct")])
        #expect(direct.status == 0, "\(direct.errors)")
        named = named.dropLast(1) + [folder.path("named"), "--no-metadata"]
        #expect(try MicaProcess(named, environment: environment).status == 0)
        for layer in ["layer_1.png", "layer_2.png"] {
            #expect(try folder.data("named/\(layer)") == folder.data("direct/\(layer)"))
        }
    }

    /// `~` where no shell has seen it.
    @Test func modelsInTheHomeFolder() throws {
        let folder = try TemporaryFolder()
        let cache = "hf/hub/models--some--model"
        let snapshot = folder.path("\(cache)/snapshots/1")
        try FileManager.default.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: DecomposeCommandTests.quick[3]) {
            try FileManager.default.createSymbolicLink(
                atPath: "\(snapshot)/\(name)",
                withDestinationPath: URL(fileURLWithPath: DecomposeCommandTests.quick[3]).path + "/\(name)")
        }
        let environment = Self.environment(
            folder, ["HOME": folder.url.path, "HF_HOME": "~/hf", "MICA_MODELS": "~/own", "MICA_CONFIG": ""])
        let listed = try MicaProcess(["models", "--json"], environment: environment).output
        #expect(listed.contains("\"folder\":\"\(snapshot)\"") && listed.contains("\"kept_by\":\"huggingface_hub\""))
        var use = DecomposeCommandTests.quick + ["-o", folder.path("layers")]
        use[3] = "~/\(cache)/snapshots/1"
        let run = try MicaProcess(use, environment: environment)
        #expect(run.status == 0, "\(run.errors)")
        try Data("model: ~/\(cache)/snapshots/1\nstate_folder: ~/jobs\napi_keys: ~/keys\n".utf8).write(
            to: URL(fileURLWithPath: folder.path("mica.yaml")))
        let key = try MicaProcess(["key", "ann"], environment: environment)
        #expect(key.status == 0)
        let check = try MicaProcess(["serve", "--config", "~/mica.yaml", "--check-config"], environment: environment)
        #expect(check.status == 1 && check.errors.contains(folder.path("keys")), "\(check.errors)")
        try Data("ann sha256:\(String(repeating: "0", count: 64))\n".utf8).write(
            to: URL(fileURLWithPath: folder.path("keys")))
        let again = try MicaProcess(["serve", "--config", "~/mica.yaml", "--check-config"], environment: environment)
        #expect(again.status == 0, "\(again.errors)")
    }

    /// A signal leaves what has come, `--model` says that more is to come, and the same command goes on.
    @Test func stoppedAndTakenUp() throws {
        let (hub, folder) = (try Self.hub(), try TemporaryFolder())
        let environment = Self.environment(folder, ["HF_ENDPOINT": hub.endpoint])
        let name = HubServer.repository
        hub.change { state in
            state.override = { request in
                // Ends every file early, so that the command waits and tries again.
                guard request.target.hasPrefix("/cdn/") else { return nil }
                return SocketServer.Response(status: 503, fields: [("Retry-After", "100")])
            }
        }
        let stop =
            "\"$0\" \"$@\" & while ! ls \(folder.path("models"))/*/*/.mica-pull/*.partial 2>/dev/null;"
            + " do sleep 0.05; done >/dev/null; kill -TERM $!; wait $!"
        let stopped = try MicaProcess(["pull", name], environment: environment, shell: stop)
        #expect(stopped.status == 143 && stopped.errors.contains("goes on from there"), "\(stopped.errors)")
        var use = DecomposeCommandTests.quick + ["-o", folder.path("x")]
        for model in [name, folder.path("models/\(name)")] {
            use[3] = model
            let run = try MicaProcess(use, environment: environment)
            #expect(run.status == 1 && run.errors.contains("not come whole"), "\(run.errors)")
        }
        #expect(try MicaProcess(["models"], environment: environment).output.contains("not whole yet"))
        let listed = try MicaProcess(["models", "--json"], environment: environment).output
        #expect(listed.contains("\"is_complete\":false"))
        hub.change { $0.override = nil }
        #expect(try MicaProcess(["pull", name, "--quiet"], environment: environment).status == 0)
        use[3] = name
        #expect(try MicaProcess(use, environment: environment).status == 0)
    }

    @Test(arguments: [
        (["a"], [:], "OWNER/NAME", Int32(1)), (["--connections", "0"], [:], "--connections", 64),
        ([], ["HF_HUB_OFFLINE": "1"], "HF_HUB_OFFLINE is set", 1),
        (["--endpoint", "ftp://x"], [:], "a hub's address", 1),
        (["--token-file", "/nonexistent"], [:], "/nonexistent", 1),
        (["--endpoint", "https://127.0.0.1:1", "--ca-file", "/nonexistent"], [:], "/nonexistent", 1),
        (["--to", "/proc/x", "--include", "vae/*"], [:], "/proc/x", 1),
        ([HubServer.repository, "--revision", "v9"], [:], "no revision v9", 1),
        (["owner/other"], [:], "check the name", 1),
    ])
    func refusals(_ arguments: [String], _ more: [String: String], _ expected: String, _ status: Int32) throws {
        let (hub, folder) = (try Self.hub(), try TemporaryFolder())
        let environment = Self.environment(folder, ["HF_ENDPOINT": hub.endpoint].merging(more) { $1 })
        let isNamed = arguments.first?.hasPrefix("-") == false
        let run = try MicaProcess(
            ["pull"] + (isNamed ? [] : [HubServer.repository]) + arguments, environment: environment)
        #expect(run.status == status && run.errors.contains(expected), "\(run.errors)")
        #expect(run.errors.split(separator: "\n").count <= 2 || status == 64, "\(run.errors)")
        #expect(try folder.contents() == [])
    }

    @Test func aTokenFromWhereTheHubsOwnCommandPutsIt() throws {
        let (hub, folder) = (try Self.hub(), try TemporaryFolder())
        try FileManager.default.createDirectory(atPath: folder.path("hf"), withIntermediateDirectories: true)
        try Data("hf_from_file\n".utf8).write(to: URL(fileURLWithPath: folder.path("hf/token")))
        try Data("hf_named".utf8).write(to: URL(fileURLWithPath: folder.path("named")))
        for (arguments, more, expected) in [
            ([], [:], "hf_from_file"), ([], ["HF_TOKEN": "hf_of_environment"], "hf_of_environment"),
            (["--token-file", folder.path("named")], ["HF_TOKEN": "hf_of_environment"], "hf_named"),
        ] as [([String], [String: String], String)] {
            let environment = Self.environment(folder, ["HF_ENDPOINT": hub.endpoint].merging(more) { $1 })
            let run = try MicaProcess(
                ["pull", HubServer.repository, "--dry-run"] + arguments, environment: environment)
            #expect(run.status == 0, "\(run.errors)")
            #expect(hub.requests().last?.fields["authorization"] == "Bearer \(expected)")
        }
    }
}
