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
        let limits = options
        try recomposing.run {
            exchange.send { () throws(ServiceError) in try request.answer(body, limits: limits) }
        }
    }

    /// How many layers of the largest picture may be in memory.
    private static var fullLayers: Int { 4 }
}
