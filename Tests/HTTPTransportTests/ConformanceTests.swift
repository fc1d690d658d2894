import Glibc
import HTTPProtocol
import HTTPTransport
import Testing

/// RFC 9112 and RFC 9110 over real connections: every sample whole, byte by byte, and cut off.
@Suite struct ConformanceTests {
    private static let sentinel = "GET /sentinel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    /// The final answers in `bytes`, as outcomes of `sample` would read; nil if they are no answers.
    private func outcomes(_ bytes: [UInt8], of expected: [WireSample.Outcome]) -> [String]? {
        var found: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
            let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            rest = rest[end.upperBound...]
            let lines = head.split(separator: "\r\n").map { $0.lowercased() }
            guard head.hasPrefix("HTTP/1.1 ") else { return nil }
            if head.hasPrefix("HTTP/1.1 100") { continue }
            guard lines.contains(where: { $0.hasPrefix("date: ") }) else { return nil }
            let lengths = lines.filter { $0.hasPrefix("content-length: ") }
            guard lengths.count == 1, let length = Int(lengths[0].dropFirst(16)) else { return nil }
            if found.count < expected.count, expected[found.count] == .bodiless {
                found.append("")
                continue
            }
            guard rest.count >= length else { return nil }
            found.append(String(decoding: rest.prefix(length), as: UTF8.self))
            rest = rest.dropFirst(length)
        }
        return found
    }

    private func texts(_ sample: WireSample, withSentinel: Bool) -> [String] {
        let texts = sample.outcomes.map { outcome in
            switch outcome {
            case .echo(let text): text
            case .bodiless: ""
            case .fault(let error): "\(error)"
            }
        }
        return sample.closes || !withSentinel ? texts : texts + ["GET /sentinel"]
    }

    private func serve() throws -> HTTPServer { try TestServer.serve(MirrorHandler()) }

    @Test func thereAreEnoughSamples() {
        #expect(WireSample.all.count >= 150)
        #expect(Set(WireSample.all.map(\.name)).count == WireSample.all.count)
    }

    /// The sentinel after each sample shows that both sides agree on where it ended.
    @Test func whole() throws {
        let server = try serve()
        for sample in WireSample.all {
            let client = try WireClient(port: server.port)
            client.send(sample.bytes + Self.sentinel)
            let answers = outcomes(try client.readToEnd(), of: sample.outcomes)
            #expect(answers == texts(sample, withSentinel: true), "\(sample.name)")
        }
        server.stop(graceSeconds: 1)
    }

    @Test func byteByByte() throws {
        let server = try serve()
        for sample in WireSample.all where sample.bytes.utf8.count < 2000 {
            let client = try WireClient(port: server.port)
            client.sendAtOnce()
            for byte in Array((sample.bytes + Self.sentinel).utf8) where !client.send([byte]) { break }
            let answers = outcomes(try client.readToEnd(), of: sample.outcomes)
            #expect(answers == texts(sample, withSentinel: true), "\(sample.name)")
        }
        server.stop(graceSeconds: 1)
    }

    /// A client that stops in the middle gets the answers that it is owed so far, or fewer, since it is gone.
    @Test func cutOff() throws {
        let server = try serve()
        for sample in WireSample.all {
            let bytes = Array(sample.bytes.utf8)
            let expected = texts(sample, withSentinel: false)
            for part in 1...6 {
                let client = try WireClient(port: server.port)
                client.send(Array(bytes[..<(bytes.count * part / 7)]))
                client.endSending()
                let answers = outcomes(try client.readToEnd(), of: sample.outcomes)
                #expect(answers.map { expected.starts(with: $0) } == true, "\(sample.name), \(part)/7")
            }
        }
        #expect(eventually { server.connectionCount == 0 })
        server.stop(graceSeconds: 1)
    }

    /// Without an expectation, or once the body is on its way, there is no interim answer.
    @Test(arguments: [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", true),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", true),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nx", false),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", false),
        ("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", false),
    ])
    func interimAnswers(head: String, comes: Bool) throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send(head)
        if comes {
            #expect(try client.readAnswer().status == 100)
        } else {
            usleep(50_000)
            #expect(!client.hasInput)
        }
        client.send(head.contains("chunked") ? "1\r\nx\r\n0\r\n\r\n" : "x")
        #expect(try client.readAnswer().text.hasPrefix("POST / x"))
        server.stop(graceSeconds: 1)
    }
}
