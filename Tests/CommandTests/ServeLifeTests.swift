import CTLSClient
import Foundation
import Glibc
import Testing

/// `mica serve` when it is killed, told to read its keys again, and told to stop.
@Suite struct ServeLifeTests {
    /// With a small picture, which is what takes the time of jobs that are built for debugging.
    private static let quick = "?resolution=64&layers=1&steps=1&seed=1&fit=model"

    private func picture() throws -> [UInt8] {
        try [UInt8](Data(contentsOf: MicaProcess.fixtures.appendingPathComponent("cases/full-tiny/input.png")))
    }

    /// How much longer than usual everything may take: sanitizers say so.
    private static let patience = Double(ProcessInfo.processInfo.environment["MICA_TEST_PATIENCE"] ?? "") ?? 1

    /// Whether the condition holds within a minute; returns as soon as it does.
    private func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        let end = ContinuousClock.now + .seconds(60 * Self.patience)
        while ContinuousClock.now < end {
            if try condition() { return true }
            usleep(20_000)
        }
        return false
    }

    /// Killed ten times at random points of a queue of ten jobs: each job that was accepted ends once.
    @Test func everyAcceptedJobEndsOnceThroughTenKills() throws {
        let folder = try TemporaryFolder()
        let arguments = ["--state-folder", folder.path("jobs"), "--log-level", "error"]
        let picture = try picture()
        var accepted: [String: String] = [:]
        for round in 0..<10 {
            let service = try ServeProcess(arguments)
            for number in 0..<(round == 0 ? 10 : 1) {
                let key = "key-\(round)-\(number)"
                let answer = try service.post(
                    "/v1/jobs\(Self.quick)", picture: picture, more: "Idempotency-Key: \(key)\r\n")
                #expect(answer.status == 202)
                accepted[key] = answer.json["id"] as? String
            }
            usleep(UInt32.random(in: 0..<150_000))
            service.killAtOnce()
        }
        #expect(accepted.count == 19 && Set(accepted.values).count == 19)
        let service = try ServeProcess(arguments)
        func jobs() throws -> [[String: Any]] {
            try service.get("/v1/jobs?limit=100").json["jobs"] as? [[String: Any]] ?? []
        }
        let areOver = try eventually {
            try jobs().allSatisfy { ["succeeded", "failed"].contains($0["state"] as? String) }
        }
        let ended = try jobs()
        #expect(areOver && ended.count == 19)
        #expect(Set(ended.compactMap { $0["id"] as? String }) == Set(accepted.values))
        var failures = 0
        for job in ended {
            let failure = (job["failure"] as? [String: Any])?["type"] as? String
            #expect(failure == nil || failure == "urn:mica:problem:stopped-twice")
            #expect((job["attempts"] as? Int ?? 9) <= 2)
            failures += failure == nil ? 0 : 1
            guard failure == nil, let links = job["links"] as? [String: Any] else { continue }
            let manifest = try service.get(try #require(links["manifest"] as? String))
            #expect(manifest.status == 200 && manifest.json["seed"] as? Int == 1)
        }
        // A kill costs one job, the one that runs, one of its two attempts.
        #expect(failures <= 5)
        // The same request again is the same job.
        let again = try service.post(
            "/v1/jobs\(Self.quick)", picture: picture, more: "Idempotency-Key: key-0-0\r\n")
        #expect(again.json["id"] as? String == accepted["key-0-0"])
        #expect(service.stop().status == 0)
    }

    @Test func keysAreReadAgain() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("keys")
        func makeKey(_ name: String) throws -> String {
            let run = try MicaProcess(["key", name, "--line"])
            #expect(run.status == 0 && run.output.hasPrefix("\(name) sha256:"))
            try Data(run.output.utf8).write(to: URL(fileURLWithPath: file))
            return run.errors.trimmingCharacters(in: .newlines)
        }
        let first = try makeKey("alice")
        let service = try ServeProcess(["--api-keys", file])
        func status(_ key: String) throws -> Int {
            try service.get("/v1/models", more: "Authorization: Bearer \(key)\r\n").status
        }
        #expect(try status(first) == 200 && status("mica_wrong") == 401)
        #expect(try service.get("/healthz").status == 200)
        let second = try makeKey("bob")
        service.signal(SIGHUP)
        #expect(try eventually { try status(second) == 200 })
        #expect(try status(first) == 401)
        // A file that cannot be used changes nothing.
        try Data("nonsense\n".utf8).write(to: URL(fileURLWithPath: file))
        service.signal(SIGHUP)
        #expect(eventually { service.logSoFar.contains("not read again") })
        #expect(try status(second) == 200)
        let (exit, log) = service.stop()
        #expect(exit == 0 && !log.contains(first) && !log.contains(second))
    }

    /// A start that cannot listen begins no job: however often it is tried, none loses an attempt.
    @Test func aStartThatFailsCostsNoJobAnAttempt() throws {
        let folder = try TemporaryFolder()
        let arguments = ["--state-folder", folder.path("jobs"), "--log-level", "error"]
        let picture = try picture()
        // More steps than anybody waits for.
        let slow = "?resolution=64&layers=1&steps=1000&seed=1&fit=model"
        let first = try ServeProcess(arguments)
        for _ in 0..<3 { #expect(try first.post("/v1/jobs\(slow)", picture: picture).status == 202) }
        first.killAtOnce()
        let neighbour = try ServeProcess([])
        for _ in 0..<4 {
            let run = try MicaProcess(["serve", "--port", "\(neighbour.port)"] + arguments)
            #expect(run.status == 1 && run.errors.contains("port \(neighbour.port)"), "\(run.errors)")
        }
        #expect(neighbour.stop().status == 0)
        for _ in 0..<3 {
            let run = try MicaProcess(
                ["serve", "--port", "0"] + arguments, shell: "exec \"$0\" \"$@\" > /dev/full")
            #expect(run.status == 1 && run.errors.contains("cannot write standard output"), "\(run.errors)")
        }
        let second = try ServeProcess(arguments)
        let jobs = try second.get("/v1/jobs").json["jobs"] as? [[String: Any]] ?? []
        #expect(jobs.count == 3)
        for job in jobs { #expect(["queued", "running"].contains(job["state"] as? String), "\(job)") }
        second.killAtOnce()
    }

    /// Keys and a certificate that cannot be used: neither is taken, as the log says.
    @Test func nothingIsReadAgainByHalves() throws {
        let folder = try TemporaryFolder()
        let (certificate, tlsKey, keys) = (folder.path("c.pem"), folder.path("k.pem"), folder.path("keys"))
        try #require(test_tls_make_certificate("mica", certificate, tlsKey) != 0)
        func makeKey(_ name: String) throws -> String {
            let run = try MicaProcess(["key", name, "--line"])
            try Data(run.output.utf8).write(to: URL(fileURLWithPath: keys))
            return run.errors.trimmingCharacters(in: .newlines)
        }
        let first = try makeKey("alice")
        let service = try ServeProcess([
            "--api-keys", keys, "--tls-certificate", certificate, "--tls-key", tlsKey,
        ])
        func status(_ key: String) throws -> Int {
            try service.get("/v1/models", more: "Authorization: Bearer \(key)\r\n").status
        }
        #expect(try status(first) == 200)
        let second = try makeKey("bob")
        let pem = try Data(contentsOf: URL(fileURLWithPath: certificate))
        try Data("nonsense\n".utf8).write(to: URL(fileURLWithPath: certificate))
        service.signal(SIGHUP)
        #expect(eventually { service.logSoFar.contains("not read again") })
        #expect(try status(first) == 200 && status(second) == 401)
        try pem.write(to: URL(fileURLWithPath: certificate))
        service.signal(SIGHUP)
        #expect(try eventually { try status(second) == 200 })
        #expect(try status(first) == 401)
        #expect(service.stop().status == 0)
    }

    @Test func aStopIsSeenBeforeItComes() throws {
        let service = try ServeProcess([], environment: ["MICA_DRAIN_SECONDS": "1"])
        #expect(try service.get("/readyz").status == 200)
        service.signal(SIGTERM)
        #expect(try eventually { try service.get("/readyz").status == 503 })
        #expect(try service.get("/livez").status == 200)
        let refused = try service.post("/v1/layers\(Self.quick)", picture: picture())
        #expect(refused.status == 503 && refused.json["type"] as? String == "urn:mica:problem:stopping")
        let (exit, _) = service.waitForEnd()
        #expect(exit == 0)
    }

    @Test func theConfigurationIsChecked() throws {
        let folder = try TemporaryFolder()
        let keys = folder.path("keys")
        try Data("# none\n".utf8).write(to: URL(fileURLWithPath: keys))
        let good = try MicaProcess(["serve", "--check-config", "--config", "config/mica.yaml"])
        #expect(good.status == 0 && good.output == "the configuration is valid\n", "\(good.errors)")
        let noCertificate = ["--tls-certificate", keys, "--tls-key", keys]
        for (arguments, expected) in [
            (noCertificate, "not in PEM"), (["--tls-certificate", "/c", "--tls-key", "/k"], "No such file"),
            (["--api-keys", keys], "no key"), (["--api-keys", "/nonexistent"], "cannot be read"),
            (["--precision", "float8"], "float32"),
            (["--precision", "vae=int8"], "those are text_encoder and transformer"),
            (["--precision", "transformer=int5"], "'int5' is no precision; there are float32"),
            (["--tls-certificate", "/c"], "tls_key"),
            (["--cors-origins", "a"], "origins"), (["--model", "/nonexistent"], "/nonexistent"),
            (["--state-folder", "/proc/nope"], "/proc/nope"),
            (["--transformer", "/nonexistent.gguf"], "nonexistent.gguf"),
            (["--text-encoder", "/nonexistent.te"], "nonexistent.te"),
            (["--vae", "/nonexistent.vae"], "nonexistent.vae"),
            (["--device", "tpu:0"], "tpu"), (["--device-map", "nowhere.json"], "nowhere.json"),
            (["--host-budget", "much"], "much"), (["--vae-tiling", "maybe"], "auto, on, off"),
            (["--hadamard"], "hadamard is 'true', but must be left out or false unless precision is fp8, int8 or int4"),
            (["--hadamard", "--precision", "bfloat16"], "hadamard is 'true'"),
        ] {
            let run = try MicaProcess(["serve", "--check-config"] + arguments)
            #expect(run.status == 1 && run.errors.contains(expected), "\(run.errors)")
            #expect(run.errors.split(separator: "\n").count == 1)
        }
        #expect(try MicaProcess(["key", "not a name"]).status == 1)
        // The command line is over the environment, a flag too.
        let flags = try MicaProcess(
            ["serve", "--check-config", "--no-hadamard", "--precision", "int8", "--device", "cpu"],
            environment: ["MICA_HADAMARD": "maybe", "MICA_DEVICE": "tpu"])
        #expect(flags.status == 1 && flags.errors.contains("MICA_HADAMARD"))
        let overridden = try MicaProcess(
            ["serve", "--check-config", "--vae-tiling", "on", "--device", "cpu", "--hadamard", "--precision", "int8"],
            environment: ["MICA_VAE_TILING": "maybe", "MICA_DEVICE": "tpu:0", "MICA_HADAMARD": "false"])
        #expect(overridden.status == 0, "\(overridden.errors)")
        let byComponent = try MicaProcess(
            ["serve", "--check-config", "--device", "cpu", "--hadamard"],
            environment: ["MICA_PRECISION": "text_encoder=int4,transformer=bfloat16"])
        #expect(byComponent.status == 0, "\(byComponent.errors)")
        // Not to rotate asks for nothing where there is nothing to rotate.
        for arguments in [[], ["--precision", "bfloat16"]] {
            let unrotated = try MicaProcess(
                ["serve", "--check-config", "--device", "cpu"] + arguments, environment: ["MICA_HADAMARD": "false"])
            #expect(unrotated.status == 0, "\(unrotated.errors)")
        }
    }

    /// Each file that options name: more than it may have, and something else than it should be, is said with its name.
    @Test func filesOfOptionsAreBounded() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("file")
        for (size, option, expected) in [
            (1 << 20, "--config", "more than the limit of"), (16 << 20, "--api-keys", "more than the limit of"),
            (1 << 20, "--device-map", "more than the limit of"), (7, "--device-map", "cannot read \(file): "),
            (7, "--api-keys", file),
        ] {
            let bytes = Data(repeating: size == 7 ? 0xFF : 0x20, count: size + 1)
            try bytes.write(to: URL(fileURLWithPath: file))
            let run = try MicaProcess(["serve", "--check-config", option, file])
            #expect(run.status == 1 && run.errors.contains(expected) && run.errors.contains(file), "\(run.errors)")
        }
    }

    @Test func theEnvironmentIsChecked() throws {
        let folder = try TemporaryFolder()
        func check(_ environment: [String: String]) throws -> MicaProcess {
            try MicaProcess(
                ["serve", "--check-config", "--state-folder", folder.path("a/b")], environment: environment)
        }
        let empty = try check(["MICA_CONFIG": "", "MICA_MODELS": "", "MICA_API_KEYS": ""])
        #expect(empty.status == 0 && empty.errors.isEmpty, "\(empty.errors)")
        // Nothing of the check is left.
        #expect(try folder.contents().isEmpty)
        let open = try check(["MICA_API_KEY_HASHES": "# nothing yet"])
        #expect(open.status == 1 && open.errors.contains("api_key_hashes: has no key"), "\(open.errors)")
        let misspelt = try check(["MICA_API_KEY": "secret"])
        #expect(misspelt.status == 0 && misspelt.errors.contains("variable=MICA_API_KEY"), "\(misspelt.errors)")
        #expect(!misspelt.errors.contains("secret"))
    }
}
