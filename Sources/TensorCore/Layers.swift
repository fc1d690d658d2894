/// A linear layer's parameters on a backend.
public struct Linear: Sendable {
    /// [N, K], any weight type.
    public let weight: Tensor
    /// [N] float32.
    public let bias: Tensor?
    /// What LoRAs add to the weight.
    public let adapters: [LowRank]

    /// A layer of tensors that are on the backend already.
    public init(weight: Tensor, bias: Tensor?, adapters: [LowRank] = []) {
        self.weight = weight
        self.bias = bias
        self.adapters = adapters
    }
}

/// What one LoRA adds to a matrix [N, K]: `scale * up · down`, of low rank and never multiplied out.
public struct LowRank: Sendable {
    /// [R, K], any weight type; `lora_A` to PEFT.
    public let down: Tensor
    /// [N, R]; `lora_B`.
    public let up: Tensor
    public let scale: Float

    /// A pair of matrices that are on the backend already.
    public init(down: Tensor, up: Tensor, scale: Float) {
        self.down = down
        self.up = up
        self.scale = scale
    }
}

/// A convolution's parameters on a backend.
public struct Convolution: Sendable {
    /// As `Backend.convolutionWeight` laid it out.
    public let weight: Tensor
    /// [Cout] float32.
    public let bias: Tensor

    /// A layer of tensors that are on the backend already.
    public init(weight: Tensor, bias: Tensor) {
        self.weight = weight
        self.bias = bias
    }
}
