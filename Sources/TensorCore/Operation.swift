/// One step of arithmetic, with its operands and the tensor that it fills.
///
/// The model is written once over these; a backend carries them out (`Backend.execute`), and what must be known of an
/// operation on every backend (its shape rules, its name, its floating-point work) is said once, in
/// `Operation+Validation` and `Operation+Work`. Letters: S rows (tokens, pixels), K and N features, H W pixels or
/// latent cells, C channels, D head size. Activations are float32; a weight matrix may be float32, bfloat16 or float16,
/// and is widened while it is used.
public enum Operation: Sendable {
    /// `output = activation(input · weightᵀ + bias)`. input [S, K], weight [N, K], bias [N] float32, output [S, N].
    case linear(input: Tensor, weight: Tensor, bias: Tensor?, activation: Activation, output: Tensor)
    /// LayerNorm over the last axis without weights, then `x * (1 + scale) +
    /// shift`. input, output [S, C], which may be the same view; shift, scale [C].
    case layerNorm(input: Tensor, epsilon: Float, shift: Tensor?, scale: Tensor?, output: Tensor)
    /// `x / sqrt(mean(x²) + epsilon) * weight` over the last axis. input, output [S, C]; weight [C].
    case rmsNorm(input: Tensor, weight: Tensor, epsilon: Float, output: Tensor)
    /// In place on each head of `tensor` [S, heads * D]: RMSNorm with
    /// `weight` [D] if given, then rotation by the angles of `rotary`.
    case headNormRotary(tensor: Tensor, headSize: Int, weight: Tensor?, epsilon: Float, rotary: Rotary?)
    /// `softmax(q kᵀ * scale + mask) v` by head. q, output [S, heads
    /// * D]; k, v [T, keyHeads * D]; heads is a multiple of keyHeads.
    case attention(query: Tensor, key: Tensor, value: Tensor, layout: AttentionLayout, output: Tensor)
    /// `output = activation(input)`, same shape; in place if both are the same view.
    case activate(input: Tensor, activation: Activation, output: Tensor)
    /// `output = silu(gate) * up`, all the same shape; output may be `gate`.
    case siluGate(gate: Tensor, up: Tensor, output: Tensor)
    /// `target += gate * addend`, target and addend [S, C], gate [C] or nil for 1.
    case accumulate(target: Tensor, addend: Tensor, gate: Tensor?)
    /// `output[i] = table[indices[i]]`. table [R, C] of any weight type, output [indices.count, C] float32.
    case gatherRows(table: Tensor, indices: [Int32], output: Tensor)
    /// `output = permute(input)`: axis i of the output is axis `axes[i]` of the input; at most 6 axes.
    case permute(input: Tensor, axes: [Int], output: Tensor)
    /// `output = input`, same number of elements, float32.
    case copy(input: Tensor, output: Tensor)
    /// Convolution of one picture, channels last: input [H, W, Cin], weight as `Backend.convolutionWeight` made it,
    /// bias [Cout], output [H', W', Cout]; `addend` of the output's shape is added if given,
    /// and may be the same view as the output.
    case convolution(
        input: Tensor, weight: Tensor, bias: Tensor, geometry: ConvolutionGeometry, addend: Tensor?, output: Tensor)
    /// `x / max(‖x‖₂, 1e-12) * sqrt(C) * gamma` over the channels of each pixel, then the activation. input, output
    /// [.., C], which may be the same view; gamma [C].
    case channelNorm(input: Tensor, gamma: Tensor, activation: Activation, output: Tensor)
    /// Each pixel twice in both directions: input [H, W, C], output [2H, 2W, C].
    case upsampleNearest(input: Tensor, output: Tensor)
    /// `output = input * scale + shift` by channel of the last axis. input, output [.., C]; scale, shift [C].
    case channelAffine(input: Tensor, scale: Tensor, shift: Tensor, output: Tensor)
    /// `comb = negative + scale * (positive - negative)`; if `normalize`,
    /// each row of comb gets the norm of positive's. All [S, C].
    /// A row of comb that is zero has no norm to divide by and becomes NaN, as upstream.
    case guidance(positive: Tensor, negative: Tensor, scale: Float, normalize: Bool, output: Tensor)
    /// `latents += delta * prediction`, the same shape.
    case eulerStep(latents: Tensor, prediction: Tensor, delta: Float)
}

/// The pointwise functions.
public enum Activation: Sendable, Hashable {
    case none
    /// `x * sigmoid(x)`
    case silu
    /// `0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))`
    case geluTanh
    /// `0.5 x (1 + erf(x / sqrt 2))`
    case gelu
}

/// Angles of a rotary embedding: one row a token, one column a pair.
public struct Rotary: Sendable {
    /// Which elements of a head form a pair.
    public enum Pairing: Sendable, Hashable {
        /// (0, 1), (2, 3), ...: complex numbers side by side, as the diffusion transformer has them.
        case adjacent
        /// (0, D/2), (1, D/2 + 1), ...: `rotate_half`, as Qwen2.5-VL has them.
        case halves
    }

    /// [S, D/2] float32.
    public let cosines: Tensor
    /// [S, D/2] float32.
    public let sines: Tensor
    public let pairing: Pairing

    /// Angles that are on the backend already.
    public init(cosines: Tensor, sines: Tensor, pairing: Pairing) {
        self.cosines = cosines
        self.sines = sines
        self.pairing = pairing
    }
}

/// How heads lie in the rows of q, k and v, and who sees whom.
public struct AttentionLayout: Sendable, Hashable {
    /// Which keys a query sees.
    public enum Mask: Sendable, Hashable {
        /// All of them.
        case none
        /// Query i sees keys 0...(i + queryOffset).
        case causal(queryOffset: Int)
        /// Rows lie in segments with these boundaries (0, ..., S); a query sees the keys of its own segment.
        case segments([Int])
    }

    /// Heads of the queries; as many share each head of the keys and values as `heads / keyHeads`.
    public let heads: Int
    public let keyHeads: Int
    /// Elements of a head.
    public let headSize: Int
    /// Factor of the scores, not negative.
    public let scale: Float
    public let mask: Mask

    /// `scale` defaults to `1 / sqrt(headSize)`.
    public init(heads: Int, keyHeads: Int? = nil, headSize: Int, scale: Float? = nil, mask: Mask = .none) {
        self.heads = heads
        self.keyHeads = keyHeads ?? heads
        self.headSize = headSize
        self.scale = scale ?? 1 / Float(headSize).squareRoot()
        self.mask = mask
    }
}

/// Kernel size, stride and zero padding of a convolution.
public struct ConvolutionGeometry: Sendable, Hashable {
    /// Side of the square kernel, and the step between its places, in pixels.
    public let kernel: Int
    public let stride: Int
    /// Rows and columns of zeros around the picture.
    public let top: Int
    public let left: Int
    public let bottom: Int
    public let right: Int

    /// The caller sees to it that the kernel fits into the padded picture.
    public init(kernel: Int, stride: Int = 1, top: Int, left: Int, bottom: Int, right: Int) {
        self.kernel = kernel
        self.stride = stride
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }

    /// Stride 1 and as much padding as keeps the size.
    public static func same(kernel: Int) -> ConvolutionGeometry {
        let pad = kernel / 2
        return ConvolutionGeometry(kernel: kernel, top: pad, left: pad, bottom: pad, right: pad)
    }

    /// The downsampler's: 3x3, stride 2, one row and column of zeros at the bottom and right only.
    public static let downsample = ConvolutionGeometry(kernel: 3, stride: 2, top: 0, left: 0, bottom: 1, right: 1)

    /// Rows of the output for rows of the input.
    public func outputHeight(_ height: Int) -> Int { (height + top + bottom - kernel) / stride + 1 }

    /// Columns of the output for columns of the input.
    public func outputWidth(_ width: Int) -> Int { (width + left + right - kernel) / stride + 1 }
}
