import TensorCore

/// Keys and values of the tokens that the language model has seen, so that each new token is computed alone.
///
/// Sized once for the prompt and all that may follow; its memory goes back with the last reference.
final class KeyValueCache {
    /// Per layer [capacity, keyValueHeads * headSize] float32.
    let keys: [Tensor]
    let values: [Tensor]
    /// Tokens that fit.
    let capacity: Int
    /// Tokens that are there.
    private(set) var count = 0

    init(
        capacity: Int, configuration: Qwen25VLTextConfiguration, backend: any Backend
    ) throws(TensorError) {
        let shape: Shape = [capacity, configuration.numKeyValueHeads * configuration.headSize]
        var keys: [Tensor] = []
        var values: [Tensor] = []
        for _ in 0..<configuration.numHiddenLayers {
            keys.append(try backend.empty(shape))
            values.append(try backend.empty(shape))
        }
        self.keys = keys
        self.values = values
        self.capacity = capacity
    }

    /// Called once all layers have filled their rows for `tokens` more tokens.
    func advance(by tokens: Int) {
        precondition(count + tokens <= capacity, "the cache holds \(capacity) tokens")
        count += tokens
    }
}
