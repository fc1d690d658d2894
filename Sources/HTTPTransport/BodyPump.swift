import Dispatch
import HTTPProtocol
import Logging
import Synchronization

/// Reads the source of an answer, a piece at a time, as fast as its connection takes them.
final class BodyPump: Sendable {
    /// What is read at once, and what may wait for a connection before more is read.
    static let pieceBytes = 64 * 1024

    /// One read at a time: a disk is no faster for several, and answers share the threads of handlers.
    private static let queue = DispatchQueue(label: "mica.bodies")

    private let source: any BodySource
    private let buffer: StreamBuffer
    private let logger: Logger
    /// Bytes read so far; used on the queue alone.
    private let position = Atomic<Int>(0)

    init(_ source: any BodySource, to buffer: StreamBuffer, logger: Logger) {
        self.source = source
        self.buffer = buffer
        self.logger = logger
    }

    func start() {
        Self.queue.async { [self] in fill() }
    }

    private func fill() {
        dispatchPrecondition(condition: .onQueue(Self.queue))
        while buffer.isOpen {
            guard !buffer.isCongested else { return buffer.whenWritable { [self] in start() } }
            let begin = position.load(ordering: .relaxed)
            let range = begin..<min(begin + Self.pieceBytes, source.byteCount)
            guard !range.isEmpty else { return buffer.end(isBroken: false) }
            do {
                _ = buffer.write(try source.bytes(range))
            } catch {
                // The head has gone out already: all that is left is to cut the connection.
                logger.error("an answer cannot be read", metadata: ["problem": "\(error)"])
                return buffer.end(isBroken: true)
            }
            position.store(range.upperBound, ordering: .relaxed)
        }
    }
}

extension Response {
    /// The same with its source read; nil if that cannot be.
    func collected() -> Response? {
        guard let source else { return self }
        guard let bytes = try? source.bytes(0..<source.byteCount) else { return nil }
        var response = self
        response.source = nil
        response.body.append(bytes)
        return response
    }
}
