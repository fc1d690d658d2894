/// The operations as the model calls them: each allocates its result unless one is given, and returns it. All float32.
extension Backend {
    /// As `weight`, for backends that hold all weights alike.
    public func blockWeight(_ tensor: HostTensor, as form: WeightForm?) throws(TensorError) -> Tensor {
        try weight(tensor)
    }

    /// A host copies when it is told to.
    public var copiesAhead: Bool { false }

    /// Nothing is pending on a host.
    public func synchronize() throws(TensorError) {}

    /// What a CPU's cores share out among them.
    public var rowsAtOnce: Int { 1024 }

    /// A host is never lost.
    public var isLost: Bool { false }

    /// As `upload(values(), shape)`, for backends with data.
    public func upload(_ shape: Shape, _ values: () -> [Float]) throws(TensorError) -> Tensor {
        try upload(values(), shape)
    }

    /// Tensors alone, for backends that need nothing besides them.
    public func rehearsal(limitBytes: Int?) -> any Backend {
        Meter(
            name: name, limitBytes: limitBytes, copiesAhead: copiesAhead, rowsAtOnce: rowsAtOnce)
    }

    /// As most do.
    public var holdsData: Bool { true }

    /// A float32 tensor of another device, copied to this one; one of this device as it is.
    public func receive(_ tensor: Tensor, from source: any Backend) throws(TensorError) -> Tensor {
        guard source.name != name else { return tensor }
        return try upload(try source.download(tensor), tensor.shape)
    }

    /// Memory for a float32 tensor.
    public func empty(_ shape: Shape) throws(TensorError) -> Tensor {
        try allocate(shape, .float32)
    }

    /// `activation(input · weightᵀ + bias)`, what LoRAs add to the weight included: input [S, K], weight [N, K],
    /// result [S, N], which must not overlap the input.
    @discardableResult
    public func linear(
        _ input: Tensor, _ layer: Linear, activation: Activation = .none, into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let result = try use(output, orAllocate: [input.shape[0], layer.weight.shape[0]])
        // An activation is of the whole sum.
        let isWhole = layer.adapters.isEmpty
        try execute(
            .linear(
                input: input, weight: layer.weight, bias: layer.bias, activation: isWhole ? activation : .none,
                output: result))
        guard !isWhole else { return result }
        for adapter in layer.adapters { try add(adapter, of: input, to: result) }
        if activation != .none { try execute(.activate(input: result, activation: activation, output: result)) }
        return result
    }

    /// LayerNorm without weights over the last axis of [S, C], then `x * (1 + scale) + shift`.
    @discardableResult
    public func layerNorm(
        _ input: Tensor, epsilon: Float, shift: Tensor? = nil, scale: Tensor? = nil, into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let result = try use(output, orAllocate: input.shape)
        try execute(.layerNorm(input: input, epsilon: epsilon, shift: shift, scale: scale, output: result))
        return result
    }

    /// RMSNorm over the last axis of [S, C].
    @discardableResult
    public func rmsNorm(
        _ input: Tensor, weight: Tensor, epsilon: Float, into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let result = try use(output, orAllocate: input.shape)
        try execute(.rmsNorm(input: input, weight: weight, epsilon: epsilon, output: result))
        return result
    }

    /// In place: RMSNorm by head if a weight is given, then rotation.
    public func headNormRotary(
        _ tensor: Tensor, headSize: Int, weight: Tensor? = nil, epsilon: Float = 1e-6, rotary: Rotary?
    ) throws(TensorError) {
        try execute(
            .headNormRotary(tensor: tensor, headSize: headSize, weight: weight, epsilon: epsilon, rotary: rotary))
    }

    /// Attention by head: q [S, heads * D], k and v [T, keyHeads * D], result [S, heads * D].
    @discardableResult
    public func attention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let result = try use(output, orAllocate: query.shape)
        try execute(.attention(query: query, key: key, value: value, layout: layout, output: result))
        return result
    }

    /// The activation of each element, in a tensor of its own.
    public func activate(_ input: Tensor, _ activation: Activation) throws(TensorError) -> Tensor {
        let result = try empty(input.shape)
        try execute(.activate(input: input, activation: activation, output: result))
        return result
    }

    /// `silu(gate) * up`, written over `gate`.
    public func siluGate(_ gate: Tensor, _ up: Tensor) throws(TensorError) {
        try execute(.siluGate(gate: gate, up: up, output: gate))
    }

    /// `target += gate * addend`; a nil gate is 1.
    public func accumulate(_ target: Tensor, _ addend: Tensor, gate: Tensor? = nil) throws(TensorError) {
        try execute(.accumulate(target: target, addend: addend, gate: gate))
    }

    /// The rows `indices` of a table [R, C], as [indices.count, C].
    @discardableResult
    public func gatherRows(
        _ table: Tensor, _ indices: [Int32], into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let result = try use(output, orAllocate: [indices.count, table.shape[1]])
        try execute(.gatherRows(table: table, indices: indices, output: result))
        return result
    }

    /// The tensor with its axes in another order.
    public func permute(_ input: Tensor, _ axes: [Int]) throws(TensorError) -> Tensor {
        let result = try empty(Shape(axes.map { input.shape[$0] }))
        try execute(.permute(input: input, axes: axes, output: result))
        return result
    }

    /// Copies elements; the shapes may differ, the counts not.
    public func copy(_ input: Tensor, into output: Tensor) throws(TensorError) {
        try execute(.copy(input: input, output: output))
    }

    /// The tensors one under another along the first axis.
    public func concatenateRows(_ parts: [Tensor]) throws(TensorError) -> Tensor {
        let rowCount = parts.reduce(0) { $0 + $1.shape[0] }
        let result = try empty(Shape([rowCount] + parts[0].shape.dimensions.dropFirst()))
        var start = 0
        for part in parts {
            try copy(part, into: result.rows(start..<(start + part.shape[0])))
            start += part.shape[0]
        }
        return result
    }

    /// Convolution of [H, W, Cin] to [H', W', Cout], plus `addend` of that shape if given, over which the result may be
    /// written.
    @discardableResult
    public func convolution(
        _ input: Tensor, _ layer: Convolution, _ geometry: ConvolutionGeometry, addend: Tensor? = nil,
        into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let result = try use(
            output,
            orAllocate: [
                geometry.outputHeight(input.shape[0]), geometry.outputWidth(input.shape[1]), layer.bias.shape[0],
            ])
        try execute(
            .convolution(
                input: input, weight: layer.weight, bias: layer.bias, geometry: geometry, addend: addend, output: result
            ))
        return result
    }

    /// The VAE's RMS norm over the channels of each pixel of [.., C], then the activation.
    @discardableResult
    public func channelNorm(
        _ input: Tensor, gamma: Tensor, activation: Activation = .none, into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let result = try use(output, orAllocate: input.shape)
        try execute(.channelNorm(input: input, gamma: gamma, activation: activation, output: result))
        return result
    }

    /// [H, W, C] to [2H, 2W, C], each pixel four times.
    public func upsampleNearest(_ input: Tensor) throws(TensorError) -> Tensor {
        let result = try empty([input.shape[0] * 2, input.shape[1] * 2, input.shape[2]])
        try execute(.upsampleNearest(input: input, output: result))
        return result
    }

    /// `input * scale + shift` by channel of the last axis.
    public func channelAffine(_ input: Tensor, scale: Tensor, shift: Tensor) throws(TensorError) -> Tensor {
        let result = try empty(input.shape)
        try execute(.channelAffine(input: input, scale: scale, shift: shift, output: result))
        return result
    }

    /// Classifier-free guidance of two predictions [S, C]; see `Operation.guidance`.
    public func guidance(
        positive: Tensor, negative: Tensor, scale: Float, normalize: Bool
    ) throws(TensorError) -> Tensor {
        let result = try empty(positive.shape)
        try execute(
            .guidance(positive: positive, negative: negative, scale: scale, normalize: normalize, output: result))
        return result
    }

    /// `latents += delta * prediction`.
    public func eulerStep(_ latents: Tensor, prediction: Tensor, delta: Float) throws(TensorError) {
        try execute(.eulerStep(latents: latents, prediction: prediction, delta: delta))
    }

    /// The caller's tensor, or a new one (`??` cannot carry a typed error).
    private func use(_ output: Tensor?, orAllocate shape: @autoclosure () -> Shape) throws(TensorError) -> Tensor {
        if let output { return output }
        return try empty(shape())
    }
}
