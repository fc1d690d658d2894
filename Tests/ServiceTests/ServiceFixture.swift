import Dispatch
import Foundation
import HTTPProtocol
import HTTPTransport
import ImageCodecs
import Jobs
import Logging
import ServiceAPI
import Testing

/// A service with a fake engine on a free port.
struct ServiceFixture {
    let decomposer: FakeDecomposer
    let service: LayerService
    let server: HTTPServer
    let logs = LogRecorder()
    private let folder: ScratchFolder?
    private let store: JobStore?

    /// With `keepsJobs`, there is a store, in a folder that goes with the fixture, or in `folder`.
    init(
        _ decomposer: FakeDecomposer = FakeDecomposer(), waitingLimit: Int = 8, keepsJobs: Bool = false,
        folder named: ScratchFolder? = nil, isStarted: Bool = true,
        service change: (inout LayerService.Configuration) throws -> Void = { _ in },
        transport changeTransport: (inout TransportConfiguration) -> Void = { _ in }
    ) throws {
        self.decomposer = decomposer
        var configuration = LayerService.Configuration()
        configuration.jobs.waitingLimit = waitingLimit
        configuration.jobs.clientLimits.waiting = 1000
        configuration.maximumPixels = 10_000
        try change(&configuration)
        var transport = TransportConfiguration()
        transport.port = 0
        transport.lingerIdleSeconds = 0.2
        changeTransport(&transport)
        let logger = Logger(label: "test") { [logs] _ in logs }
        folder = try named ?? (keepsJobs ? ScratchFolder() : nil)
        store = try folder.map { try JobStore(folder: $0.path, notice: { _ in }) }
        service = try LayerService(decomposer: decomposer, configuration: configuration, store: store, logger: logger)
        server = try HTTPServer(configuration: transport, handler: service, logger: logger)
        if isStarted { service.start() }
    }

    func stop() {
        server.stop(graceSeconds: 1)
        let idle = DispatchSemaphore(value: 0)
        service.stop(graceSeconds: 0) { idle.signal() }
        idle.wait()
        store?.close()
    }

    func client() throws -> TestClient { try TestClient(port: server.port) }

    /// A PNG of one colour, by default of the size of the fake engine's layers.
    static func png(width: Int = 6, height: Int = 4) throws -> [UInt8] {
        try PNGEncoder.encode(
            PixelBuffer(width: width, height: height, bytes: [UInt8](repeating: 200, count: width * height * 4)))
    }

    static let boundary = "0123456789abcdef0123456789abcdef"

    /// A form request, as bytes.
    static func form(
        _ fields: [(String, String)], image: [UInt8]?, path: String = "/v1/layers", query: String = "",
        more: String = ""
    ) -> [UInt8] {
        var writer = MultipartWriter(boundary: boundary)
        for (name, value) in fields {
            writer.add(name: name, fileName: nil, contentType: "text/plain", content: Array(value.utf8))
        }
        if let image { writer.add(name: "image", fileName: "a.png", contentType: "image/png", content: image) }
        let body = writer.finished().flatMap { $0 }
        return request(
            path, query: query, more: "Content-Type: \(writer.contentType)\r\n\(more)", body: body)
    }

    static func request(
        _ path: String = "/v1/layers", query: String = "", more: String = "", body: [UInt8]
    ) -> [UInt8] {
        let head = "POST \(path)\(query) HTTP/1.1\r\nHost: mica\r\nContent-Length: \(body.count)\r\n\(more)\r\n"
        return Array(head.utf8) + body
    }

    /// Parts of a multipart answer.
    static func parts(_ answer: TestClient.Answer) throws -> [MultipartPart] {
        let type = try #require(MediaType(answer.fields["content-type"] ?? ""))
        return try MultipartParser.parse(answer.body[...], mediaType: type)
    }

    static func json(_ bytes: some Sequence<UInt8>) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(Array(bytes))) as? [String: Any])
    }
}
