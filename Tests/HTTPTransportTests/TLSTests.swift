import CTLSClient
import Foundation
import HTTPTransport
import Testing

@Suite struct TLSTests {
    private let handler = EchoHandler()
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Two certificates in a folder that is removed after `body`.
    private func withCertificates(
        _ body: (_ first: TLSConfiguration, _ second: TLSConfiguration) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try ["first", "second"].map { name in
            let files = TLSConfiguration(
                certificateFile: "\(folder.path)/\(name).pem", keyFile: "\(folder.path)/\(name).key")
            try #require(test_tls_make_certificate(name, files.certificateFile, files.keyFile) != 0)
            return files
        }
        try body(files[0], files[1])
    }

    private func serve(
        _ files: TLSConfiguration, _ change: (inout TransportConfiguration) -> Void = { _ in }
    ) throws -> HTTPServer {
        try TestServer.serve(handler) {
            $0.tls = files
            change(&$0)
        }
    }

    private func connect(
        _ server: HTTPServer, version: Int32 = 0, protocols: [String] = []
    ) throws -> WireClient {
        let client = try WireClient(port: server.port)
        try client.startTLS(version: version, protocols: protocols)
        return client
    }

    @Test(arguments: [Int32(12), 13]) func speaksTLS(version: Int32) throws {
        try withCertificates { first, _ in
            let server = try serve(first)
            #expect(server.url.hasPrefix("https://"))
            let client = try connect(server, version: version, protocols: ["h2", "http/1.1"])
            #expect(client.tlsVersion == version && client.applicationProtocol == "http/1.1")
            #expect(client.certificateName == "first")
            for _ in 0..<3 { #expect(try client.ask(Self.get).text == "GET ") }
            let body = String(repeating: "0123456789", count: 300_000)
            let answer = try client.ask(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)")
            #expect(answer.text == "POST " + body)
            // The end is announced (`close_notify`): nothing was cut off.
            #expect(try client.readToEnd().isEmpty)
            server.stop(graceSeconds: 1)
        }
    }

    @Test func refusesWhatItDoesNotSpeak() throws {
        try withCertificates { first, _ in
            let server = try serve(first)
            for version in [Int32(10), 11] {
                #expect(throws: WireClient.Failure.noHandshake) { try connect(server, version: version) }
            }
            #expect(throws: WireClient.Failure.noHandshake) { try connect(server, protocols: ["h2"]) }
            // No handshake, and no request either.
            let other = try WireClient(port: server.port)
            other.send([0x80, 0x41, 0x42])
            #expect((try? other.readToEnd())?.starts(with: "HTTP".utf8) != true)
            #expect(try connect(server).ask(Self.get).status == 200)
            server.stop(graceSeconds: 1)
        }
    }

    /// A client that does not know of TLS is told in words that it can read, however much it has sent.
    @Test(arguments: ["G", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\n~300000"])
    func plainHTTPIsAnsweredInPlainHTTP(text: String) throws {
        try withCertificates { first, _ in
            let server = try serve(first)
            let client = try WireClient(port: server.port)
            // "~300000" stands for so many letters.
            client.send(text.replacing("~300000", with: String(repeating: "x", count: 300_000)))
            let answer = try client.readAnswer()
            #expect(answer.status == 400 && answer.text == "plainHTTP" && answer.fields["connection"] == "close")
            client.endSending()
            #expect(try client.readToEnd().isEmpty)
            #expect(try connect(server).ask(Self.get).status == 200)
            server.stop(graceSeconds: 1)
        }
    }

    @Test func aLargeAnswerReachesASlowReader() throws {
        try withCertificates { first, _ in
            let server = try serve(first)
            let client = try connect(server)
            client.limitReceiveBuffer(bytes: 65_536)
            client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            usleep(50_000)
            let answer = try client.readAnswer()
            #expect(answer.body.count == 8_000_000 && answer.body.allSatisfy { $0 == 7 })
            #expect(try client.readAnswer().text == "GET ")
            server.stop(graceSeconds: 1)
        }
    }

    @Test func aHandshakeHasItsTime() throws {
        try withCertificates { first, _ in
            let server = try serve(first) { $0.tlsHandshakeSeconds = 0.15 }
            let silent = try WireClient(port: server.port)
            let stuck = try WireClient(port: server.port)
            // The begin of a handshake that says it has 512 bytes.
            stuck.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
            let start = ContinuousClock.now
            #expect((try? silent.readToEnd())?.isEmpty != false)
            #expect((try? stuck.readToEnd())?.isEmpty != false)
            // The time that handshakes have where nothing else is said.
            #expect(ContinuousClock.now - start < .seconds(TransportConfiguration().tlsHandshakeSeconds))
            #expect(eventually { server.connectionCount == 0 })
            server.stop(graceSeconds: 1)
        }
    }

    @Test func certificatesAreReadAnew() throws {
        try withCertificates { first, second in
            let server = try serve(first)
            let before = try connect(server)
            #expect(before.certificateName == "first")
            let files = FileManager.default
            for (from, to) in [(second.certificateFile, first.certificateFile), (second.keyFile, first.keyFile)] {
                try files.removeItem(atPath: to)
                try files.copyItem(atPath: from, toPath: to)
            }
            try server.reloadCertificates()
            #expect(eventually { (try? connect(server).certificateName) == "second" })
            // Connections that are open go on.
            #expect(try before.ask(Self.get).status == 200)
            // What cannot be used changes nothing.
            try Data("nonsense".utf8).write(to: URL(fileURLWithPath: first.certificateFile))
            #expect(throws: TransportError.self) { try server.reloadCertificates() }
            #expect(try connect(server).certificateName == "second")
            server.stop(graceSeconds: 1)
        }
    }

    @Test func unusableFilesAreNamed() throws {
        try withCertificates { first, second in
            try first.check()
            for files in [
                TLSConfiguration(certificateFile: "no-such-file.pem", keyFile: first.keyFile),
                TLSConfiguration(certificateFile: first.certificateFile, keyFile: "no-such-file.key"),
                TLSConfiguration(certificateFile: first.certificateFile, keyFile: second.keyFile),
                TLSConfiguration(certificateFile: first.keyFile, keyFile: first.keyFile),
            ] {
                let error = try #require(#expect(throws: TransportError.self) { try serve(files) })
                #expect(error.description.contains(files.certificateFile) && !error.description.contains("\n"))
                // What is found without serving is the same.
                #expect(throws: error) { try files.check() }
            }
        }
    }

    @Test func refusalsGoThroughTLSToo() throws {
        try withCertificates { first, _ in
            let server = try serve(first) { $0.connectionLimit = 1 }
            let kept = try connect(server)
            #expect(try kept.ask(Self.get).status == 200)
            #expect(try connect(server).readAnswer().status == 503)
            server.stop(graceSeconds: 1)
        }
    }
}
