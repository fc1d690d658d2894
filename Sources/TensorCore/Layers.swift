/// A linear layer's parameters on a backend.
public struct Linear: Sendable {
    /// [N, K], any weight type.
    public let weight: Tensor
    /// [N] float32.
    public let bias: Tensor?

    /// A layer of tensors that are on the backend already.
    public init(weight: Tensor, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
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
