/// The shape rules of each operation, the same on every backend. A breach
/// is a mistake of our own code and traps with the operation's name.
extension Operation {
    /// The operation's name, for messages and profiles.
    public var name: String {
        switch self {
        case .linear: "linear"
        case .layerNorm: "layer norm"
        case .rmsNorm: "rms norm"
        case .headNormRotary: "head norm and rotary embedding"
        case .attention: "attention"
        case .activate: "activation"
        case .siluGate: "silu gate"
        case .accumulate: "accumulate"
        case .gatherRows: "gather rows"
        case .permute: "permute"
        case .copy: "copy"
        case .convolution: "convolution"
        case .channelNorm: "channel norm"
        case .upsampleNearest: "nearest upsampling"
        case .channelAffine: "channel affine"
        case .guidance: "guidance"
        case .eulerStep: "euler step"
        }
    }

    /// Traps if the operands do not fit together.
    public func validate() {
        switch self {
        case .linear(let input, let weight, let bias, _, let output):
            require(input.shape.rank == 2 && weight.shape.rank == 2 && output.shape.rank == 2)
            require(input.shape[1] == weight.shape[1] && output.shape == [input.shape[0], weight.shape[0]])
            require(bias.map { $0.shape == [weight.shape[0]] } ?? true)
            requireFloat(input, output, bias)
        case .layerNorm(let input, _, let shift, let scale, let output):
            require(input.shape == output.shape && input.shape.rank == 2)
            require((shift == nil) == (scale == nil))
            requireChannels(input, shift, scale)
            requireFloat(input, output, shift, scale)
        case .rmsNorm(let input, let weight, _, let output):
            require(input.shape == output.shape && input.shape.rank == 2)
            requireChannels(input, weight)
            requireFloat(input, output, weight)
        case .headNormRotary(let tensor, let headSize, let weight, _, let rotary):
            require(tensor.shape.rank == 2 && tensor.shape[1] % headSize == 0 && headSize % 2 == 0)
            require(weight.map { $0.shape == [headSize] } ?? true)
            if let rotary {
                require(rotary.cosines.shape == [tensor.shape[0], headSize / 2])
                require(rotary.sines.shape == rotary.cosines.shape)
            }
            requireFloat(tensor, weight, rotary?.cosines, rotary?.sines)
        case .attention(let query, let key, let value, let layout, let output):
            validateAttention(query, key, value, layout, output)
        case .activate(let input, _, let output):
            require(input.shape == output.shape)
            requireFloat(input, output)
        case .siluGate(let gate, let up, let output):
            require(gate.shape == up.shape && up.shape == output.shape)
            requireFloat(gate, up, output)
        case .accumulate(let target, let addend, let gate):
            require(target.shape == addend.shape)
            requireChannels(target, gate)
            requireFloat(target, addend, gate)
        case .gatherRows(let table, let indices, let output):
            require(table.shape.rank == 2 && output.shape == [indices.count, table.shape[1]])
            require(indices.allSatisfy { $0 >= 0 && $0 < table.shape[0] })
            requireFloat(output)
        case .permute(let input, let axes, let output):
            require(axes.sorted() == Array(0..<input.shape.rank) && axes.count <= 6)
            require(output.shape.dimensions == axes.map { input.shape[$0] })
            requireFloat(input, output)
        case .copy(let input, let output):
            require(input.elementCount == output.elementCount)
            requireFloat(input, output)
        case .convolution, .channelNorm, .upsampleNearest, .channelAffine, .guidance, .eulerStep:
            validatePicture()
        }
    }

    /// The rules of what works on pictures and latents.
    private func validatePicture() {
        switch self {
        case .convolution(let input, _, let bias, let geometry, let addend, let output):
            require(input.shape.rank == 3 && bias.shape.rank == 1)
            require(
                output.shape == [
                    geometry.outputHeight(input.shape[0]), geometry.outputWidth(input.shape[1]), bias.shape[0],
                ])
            require(addend.map { $0.shape == output.shape } ?? true)
            requireFloat(input, bias, addend, output)
        case .channelNorm(let input, let gamma, _, let output):
            require(input.shape == output.shape)
            requireChannels(input, gamma)
            requireFloat(input, gamma, output)
        case .upsampleNearest(let input, let output):
            require(input.shape.rank == 3)
            require(output.shape == [input.shape[0] * 2, input.shape[1] * 2, input.shape[2]])
            requireFloat(input, output)
        case .channelAffine(let input, let scale, let shift, let output):
            require(input.shape == output.shape)
            requireChannels(input, scale, shift)
            requireFloat(input, scale, shift, output)
        case .guidance(let positive, let negative, _, _, let output):
            require(positive.shape == negative.shape && negative.shape == output.shape && output.shape.rank == 2)
            requireFloat(positive, negative, output)
        case .eulerStep(let latents, let prediction, _):
            require(latents.shape == prediction.shape)
            requireFloat(latents, prediction)
        default:
            preconditionFailure("\(name) is checked elsewhere")
        }
    }

    private func validateAttention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ output: Tensor
    ) {
        require(query.shape.rank == 2 && key.shape.rank == 2 && output.shape == query.shape)
        require(query.shape[1] == layout.heads * layout.headSize)
        require(key.shape == value.shape && key.shape[1] == layout.keyHeads * layout.headSize)
        require(layout.heads % layout.keyHeads == 0 && layout.scale >= 0)
        switch layout.mask {
        case .none: break
        case .causal(let queryOffset): require(queryOffset >= 0 && query.shape[0] + queryOffset <= key.shape[0])
        case .segments(let boundaries):
            require(boundaries.first == 0 && boundaries.last == query.shape[0] && query.shape[0] == key.shape[0])
            require(zip(boundaries, boundaries.dropFirst()).allSatisfy { $0 < $1 })
        }
        requireFloat(query, key, value, output)
    }

    private func require(_ condition: Bool) {
        precondition(condition, "\(name): operands do not fit together: \(self)")
    }

    private func requireFloat(_ tensors: Tensor?...) {
        require(tensors.allSatisfy { $0 == nil || $0?.dtype == .float32 })
    }

    private func requireChannels(_ tensor: Tensor, _ vectors: Tensor?...) {
        require(vectors.allSatisfy { $0 == nil || $0?.shape == [tensor.shape[-1]] })
    }
}
