import CTLSClient
import Foundation
import Glibc

/// `mica serve` in another process.
final class ServeProcess {
    private let process = Process()
    private let output = Pipe()
    private let errors = Pipe()
    private let log: LogCollector
    private let isHTTPS: Bool
    /// Everything up to the curl command, as printed.
    let greeting: String
    let port: Int

    enum Failure: Error {
        case noGreeting(String)
        case noConnection
    }

    /// Starts it on a free port and waits until it listens.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        process.executableURL = MicaProcess.executable
        process.arguments = ["serve", "--port", "0"] + arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(["MICA_DRAIN_SECONDS": "0"]) { $1 }.merging(environment) { $1 }
        process.currentDirectoryURL = MicaProcess.repository
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        log = LogCollector(errors)
        var text = ""
        while !text.contains("-o layers.zip") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { throw Failure.noGreeting(text) }
            text += String(decoding: data, as: UTF8.self)
        }
        greeting = text
        isHTTPS = text.contains("https://")
        let digits = text.split(separator: "://127.0.0.1:").dropFirst().first?.prefix(while: \.isNumber) ?? ""
        guard let port = Int(digits) else { throw Failure.noGreeting(text) }
        self.port = port
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    /// Sends bytes on a connection of their own and reads to its end.
    func ask(_ bytes: [UInt8]) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { _ = close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure.noConnection }
        guard isHTTPS else {
            return try Self.exchange(bytes) {
                send(descriptor, $0, $1, Int32(MSG_NOSIGNAL))
            } read: {
                recv(descriptor, $0, $1, 0)
            }
        }
        guard let tls = test_tls_connect(descriptor, 0, nil) else { throw Failure.noConnection }
        defer { test_tls_free(tls) }
        return try Self.exchange(bytes) {
            test_tls_write(tls, $0, $1)
        } read: {
            test_tls_read(tls, $0, $1)
        }
    }

    private static func exchange(
        _ bytes: [UInt8], write: (UnsafeRawPointer, Int) -> Int, read: (UnsafeMutableRawPointer, Int) -> Int
    ) throws -> [UInt8] {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { rest in rest.baseAddress.map { write($0, rest.count) } ?? 0 }
            guard count > 0 else { throw Failure.noConnection }
            sent += count
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(&buffer, buffer.count), count > 0 { received += buffer[..<count] }
        return received
    }

    /// Sends a request without a body; status, and the body as JSON if it is one.
    func get(
        _ path: String, method: String = "GET", more: String = ""
    ) throws -> (status: Int, json: [String: Any]) {
        try Self.answer(ask(Array("\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(more)\r\n".utf8)))
    }

    /// Sends a picture to a path.
    func post(_ path: String, picture: [UInt8], more: String = "") throws -> (status: Int, json: [String: Any]) {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: \(picture.count)\r\n\(more)\r\n"
        return try Self.answer(ask(Array(head.utf8) + picture))
    }

    private static func answer(_ bytes: [UInt8]) throws -> (status: Int, json: [String: Any]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Failure.noConnection }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        let json = try? JSONSerialization.jsonObject(with: Data(bytes[end.upperBound...])) as? [String: Any]
        return (Int(head.split(separator: " ")[1]) ?? 0, json ?? [:])
    }

    /// What it has written on standard error so far.
    var logSoFar: String { log.text }

    /// Sends a signal.
    func signal(_ number: Int32) {
        kill(process.processIdentifier, number)
    }

    /// Ends it at once, whatever it does.
    func killAtOnce() {
        signal(SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to stop; its exit status and log.
    func stop() -> (status: Int32, log: String) {
        process.terminate()
        return waitForEnd()
    }

    /// Waits until it has stopped; its exit status and log.
    func waitForEnd() -> (status: Int32, log: String) {
        process.waitUntilExit()
        return (process.terminationStatus, log.waitForEnd())
    }
}
