import Dispatch
import HTTPProtocol
import HTTPTransport
import ImageCodecs
import Synchronization

/// Requests that put layers back together.
extension LayerService {
    /// Reads the layers, and answers with the flat picture or with another file of layers.
    func recompose(_ exchange: ServiceExchange) throws(ServiceError) {
        let request = try RecomposeRequest(exchange.request.head)
        let body = exchange.request.body
        var options = LayerReadOptions()
        options.maximumCanvasPixels = configuration.maximumPixels
        options.maximumLayerPixels = configuration.maximumPixels * Self.fullLayers
        options.maximumDrawnPixels = configuration.maximumPixels * Self.drawnCanvases
        let limits = options
        let cancellation = exchange.request.cancellation
        try recomposing.run {
            exchange.send { () throws(ServiceError) in
                try request.answer(body, limits: limits) { cancellation.isCancelled }
            }
        }
    }

    /// How many layers of the largest picture may be in memory.
    private static var fullLayers: Int { 4 }
    /// How often the largest picture may be drawn over by layers and groups: others wait meanwhile.
    private static var drawnCanvases: Int { 32 }
}

/// Work that takes memory, one piece after another, with few waiting.
final class BoundedQueue: Sendable {
    /// The most pieces that wait or run.
    private static let mostPieces = 8

    private let queue: DispatchQueue
    private let count = Mutex(0)

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Does `work` later; throws if too much waits already.
    func run(_ work: @escaping @Sendable () -> Void) throws(ServiceError) {
        let isTaken = count.withLock { count in
            guard count < Self.mostPieces else { return false }
            count += 1
            return true
        }
        guard isTaken else { throw .busy }
        queue.async { [self] in
            work()
            count.withLock { $0 -= 1 }
        }
    }
}
