import HTTPProtocol
import HTTPTransport
import ImageCodecs

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
        // Nothing is drawn for a client that has gone, which it has not unless somebody wants to hear of it.
        cancellation.onCancel {}
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
