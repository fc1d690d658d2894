extension Operation {
    /// Every tensor that the operation reads or writes.
    public var operands: [Tensor] {
        switch self {
        case .linear(let input, let weight, let bias, _, let output): [input, weight, output] + Self.those(bias)
        case .layerNorm(let input, _, let shift, let scale, let output): [input, output] + Self.those(shift, scale)
        case .rmsNorm(let input, let weight, _, let output): [input, weight, output]
        case .headNormRotary(let tensor, _, let weight, _, let rotary):
            [tensor] + Self.those(weight, rotary?.cosines, rotary?.sines)
        case .attention(let query, let key, let value, _, let output): [query, key, value, output]
        case .activate(let input, _, let output): [input, output]
        case .siluGate(let gate, let up, let output): [gate, up, output]
        case .accumulate(let target, let addend, let gate): [target, addend] + Self.those(gate)
        case .gatherRows(let table, _, let output): [table, output]
        case .permute(let input, _, let output): [input, output]
        case .copy(let input, let output): [input, output]
        case .convolution(let input, let weight, let bias, _, let addend, let output):
            [input, weight, bias, output] + Self.those(addend)
        case .channelNorm(let input, let gamma, _, let output): [input, gamma, output]
        case .upsampleNearest(let input, let output): [input, output]
        case .channelAffine(let input, let scale, let shift, let output): [input, scale, shift, output]
        case .guidance(let positive, let negative, _, _, let output): [positive, negative, output]
        case .eulerStep(let latents, let prediction, _): [latents, prediction]
        }
    }

    /// The tensor that the operation fills or changes.
    public var written: Tensor {
        switch self {
        case .linear(_, _, _, _, let output), .layerNorm(_, _, _, _, let output), .rmsNorm(_, _, _, let output),
            .attention(_, _, _, _, let output), .activate(_, _, let output), .siluGate(_, _, let output),
            .gatherRows(_, _, let output), .permute(_, _, let output), .copy(_, let output),
            .convolution(_, _, _, _, _, let output), .channelNorm(_, _, _, let output), .upsampleNearest(_, let output),
            .channelAffine(_, _, _, let output), .guidance(_, _, _, _, let output):
            output
        case .headNormRotary(let tensor, _, _, _, _): tensor
        case .accumulate(let target, _, _): target
        case .eulerStep(let latents, _, _): latents
        }
    }

    /// Throws `wrongDevice`, with both names, unless every operand lies on the device.
    public func checkDevice(_ name: String) throws(TensorError) {
        for operand in operands where operand.storage.deviceName != name {
            throw .wrongDevice(operation: self.name, device: name, found: operand.storage.deviceName)
        }
    }

    private static func those(_ tensors: Tensor?...) -> [Tensor] { tensors.compactMap { $0 } }
}
