import Foundation
import Testing

/// `mica serve` from the outside, with the model that comes with Mica.
@Suite struct ServeCommandTests {
    @Test func servesThePosterAndStops() throws {
        let service = try ServeProcess(["--log-format", "json"])
        #expect(service.greeting.contains("Mica serves seedling on http://127.0.0.1:\(service.port)"))
        #expect(service.greeting.contains("curl -F image=@docs/poster.png 'http://127.0.0.1:\(service.port)/v1/layers"))
        let poster = try [UInt8](Data(contentsOf: MicaProcess.repository.appendingPathComponent("docs/poster.png")))
        let head =
            "POST /v1/layers?resolution=64&layers=2&steps=1 HTTP/1.1\r\nHost: mica\r\nConnection: close\r\n"
            + "Content-Length: \(poster.count)\r\n\r\n"
        let answer = try service.ask(Array(head.utf8) + poster)
        #expect(answer.starts(with: Array("HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=".utf8)))
        for text in ["name=\"result\"", "\"model\":\"seedling\"", "filename=\"layer_2.png\"", "8BPS"] {
            #expect(answer.firstRange(of: Array(text.utf8)) != nil, "\(text)")
        }
        let (status, log) = service.stop()
        #expect(status == 0)
        let lines = log.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        let request = lines.first { $0["message"] as? String == "request" }
        #expect(request?["status"] as? Int == 200 && request?["path"] as? String == "/v1/layers")
        #expect(lines.contains { $0["message"] as? String == "job" && $0["state"] as? String == "succeeded" })
        // A free port has no folder of its own.
        #expect(lines.contains { ($0["message"] as? String)?.hasPrefix("jobs will not survive") == true })
        // The job's line comes from a thread of its own, and may be late on a busy machine.
        let messages = lines.compactMap { $0["message"] as? String }.filter { $0 != "job" }
        #expect(messages.suffix(2) == ["stopping", "stopped"])
    }

    @Test func failsWithOneLine() throws {
        let service = try ServeProcess([])
        let folder = try TemporaryFolder()
        let file = folder.path("mica.yaml")
        try Data("port: [1\n".utf8).write(to: URL(fileURLWithPath: file))
        let strangers = folder.path("strangers.yaml")
        try Data("# a comment\nprot: 1\n".utf8).write(to: URL(fileURLWithPath: strangers))
        for (arguments, expected) in [
            (["--port", "\(service.port)"], "port \(service.port)"), (["--port", "x"], "0 to 65535"),
            (["--model", "/nonexistent"], "/nonexistent"),
            (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
            (["--config", "/nonexistent.yaml"], "/nonexistent.yaml"), (["--config", file], "not YAML"),
            (["--config", strangers], "unknown option 'prot'"),
        ] {
            let run = try MicaProcess(["serve"] + arguments)
            #expect(run.status == 1 && run.output.isEmpty)
            #expect(run.errors.contains(expected) && run.errors.split(separator: "\n").count == 1, "\(run.errors)")
        }
        #expect(service.stop().status == 0)
    }
}
