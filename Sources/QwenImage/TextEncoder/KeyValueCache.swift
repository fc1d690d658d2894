import TensorCore

/// Keys and values of the tokens that the language model has seen, so that each new token is computed alone.
///
/// Sized for the prompt at first, and grown as tokens follow; its memory goes back with the last reference.
final class KeyValueCache {
    /// Per layer [capacity, keyValueHeads * headSize] float32.
    private(set) var keys: [Tensor] = []
    private(set) var values: [Tensor] = []
    /// Tokens that fit.
    private(set) var capacity: Int
    /// Tokens that are there.
    private(set) var count = 0
    /// By layer, where its rows are.
    private let backends: [any Backend]

    /// Tokens that the cache grows by: a caption of usual length grows it once or twice.
    private static let growth = 128

    /// Room for `capacity` tokens.
    ///
    /// - Parameter backends: by layer, its device.
    init(
        capacity: Int, configuration: Qwen25VLTextConfiguration, backends: [any Backend]
    ) throws(TensorError) {
        precondition(backends.count == configuration.numHiddenLayers, "a device for each layer")
        self.capacity = capacity
        self.backends = backends
        let shape: Shape = [capacity, configuration.numKeyValueHeads * configuration.headSize]
        for backend in backends {
            keys.append(try backend.empty(shape))
            values.append(try backend.empty(shape))
        }
    }

    /// Makes room for `tokens` more, one layer after another, so that little is there twice.
    func reserve(_ tokens: Int) throws(TensorError) {
        guard count + tokens > capacity else { return }
        let larger = max(count + tokens, capacity + Self.growth)
        for (layer, backend) in backends.enumerated() {
            keys[layer] = try grown(keys[layer], to: larger, on: backend)
            values[layer] = try grown(values[layer], to: larger, on: backend)
        }
        capacity = larger
    }

    private func grown(_ rows: Tensor, to capacity: Int, on backend: any Backend) throws(TensorError) -> Tensor {
        let result = try backend.empty([capacity, rows.shape[1]])
        try backend.copy(rows.rows(0..<count), into: result.rows(0..<count))
        return result
    }

    /// Called once all layers have filled their rows for `tokens` more tokens.
    func advance(by tokens: Int) {
        precondition(count + tokens <= capacity, "the cache holds \(capacity) tokens")
        count += tokens
    }
}
