import TensorCore

extension CUDABackend {
    /// The operations that work element by element, by channel, or move elements.
    func elementwise(_ operation: Operation) throws(TensorError) {
        switch operation {
        case .activate(let input, let activation, let output):
            try pieces(input.elementCount, "activation", [input], output, activation.kernelCode)
        case .siluGate(let gate, let up, let output):
            let (g, u, o) = (try view(gate), try view(up), try target(output, reading: gate, up))
            let count = gate.elementCount
            guard count > 0 else { return }
            let vector = vectorWidth(count, g, u, o)
            try launch(.elements, "silu_gate_\(vector)", .pieces(count / vector), g, u, o, Int64(count))
        case .accumulate(let target, let addend, let gate):
            try accumulate(target, addend, gate)
        case .copy(let input, let output):
            try pieces(input.elementCount, "activation", [input], output, 0)
        case .gatherRows(let table, let indices, let output):
            try gatherRows(table, indices, output)
        case .permute(let input, let axes, let output):
            try permute(input, axes, output)
        case .upsampleNearest(let input, let output):
            let (i, o) = (try view(input), try target(output, reading: input))
            let (pixels, channels) = (output.shape[0] * output.shape[1], output.shape[2])
            guard output.elementCount > 0 else { return }
            let vector = vectorWidth(channels, i, o)
            try launch(
                .elements, "upsample_nearest_\(vector)", .rows(pixels, pieces: channels / vector), i, o, Int64(pixels),
                Int32(input.shape[1]), Int32(channels))
        case .channelAffine(let input, let scale, let shift, let output):
            let (i, s, b) = (try view(input), try view(scale), try view(shift))
            let o = try target(output, reading: input)
            let columns = input.shape[-1]
            guard input.elementCount > 0 else { return }
            let (rows, vector) = (input.elementCount / columns, vectorWidth(columns, i, s, b, o))
            try launch(
                .elements, "channel_affine_\(vector)", .rows(rows, pieces: columns / vector), i, s, b, o, Int64(rows),
                Int32(columns))
        case .guidance(let positive, let negative, let scale, let normalize, let output):
            let (p, n) = (try view(positive), try view(negative))
            let o = try target(output, reading: positive, negative)
            guard output.elementCount > 0 else { return }
            let (rows, columns) = (output.shape[0], output.shape[1])
            try launch(
                .elements, "guidance", .rows(rows, pieces: columns), p, n, scale, Int32(normalize ? 1 : 0), o,
                Int64(rows), Int32(columns))
        case .eulerStep(let latents, let prediction, let delta):
            try addScaled(try view(latents), try view(prediction), delta, latents.elementCount)
        default:
            preconditionFailure("\(operation.name) is done elsewhere")
        }
    }

    private func pieces(
        _ count: Int, _ kernel: String, _ inputs: [Tensor], _ output: Tensor, _ code: Int32
    ) throws(TensorError) {
        let from = try view(inputs[0])
        let to = try target(output, reading: inputs[0])
        guard count > 0 else { return }
        let vector = vectorWidth(count, from, to)
        try launch(.elements, "\(kernel)_\(vector)", .pieces(count / vector), from, to, code, Int64(count))
    }

    func addScaled(_ target: View, _ addend: View, _ factor: Float, _ count: Int) throws(TensorError) {
        guard count > 0 else { return }
        let vector = vectorWidth(count, target, addend)
        try launch(.elements, "add_scaled_\(vector)", .pieces(count / vector), target, addend, factor, Int64(count))
    }

    func accumulate(_ target: Tensor, _ addend: Tensor, _ gate: Tensor?) throws(TensorError) {
        let (t, a) = (try view(target), try view(addend))
        guard let gate else { return try addScaled(t, a, 1, target.elementCount) }
        guard target.elementCount > 0 else { return }
        let columns = target.shape[-1]
        let g = try view(gate)
        let (rows, vector) = (target.elementCount / columns, vectorWidth(columns, t, a, g))
        try launch(
            .elements, "add_gated_\(vector)", .rows(rows, pieces: columns / vector), t, a, g, Int64(rows),
            Int32(columns))
    }

    private func gatherRows(_ table: Tensor, _ indices: [Int32], _ output: Tensor) throws(TensorError) {
        var from = View.none
        if table.storage is QuantizedMatrix {
            let values = try values(of: table, .float32)
            temporaries.append(values.cuda)
            from = try view(values)
        } else {
            from = try view(table)
        }
        let to = try target(output, reading: table)
        let columns = table.shape[1]
        guard !indices.isEmpty, columns > 0 else { return }
        let list = try scratch(indices.count, .float32, operation: "gather rows")
        try upload(indices, to: list)
        let vector = vectorWidth(columns, from, to)
        try launch(
            .elements, "gather_rows_\(vector)", .rows(indices.count, pieces: columns / vector), from, list.address, to,
            Int64(indices.count), Int32(columns))
    }

    private func permute(_ input: Tensor, _ axes: [Int], _ output: Tensor) throws(TensorError) {
        let (from, to) = (try view(input), try target(output, reading: input))
        guard input.elementCount > 0 else { return }
        var strides = [Int](repeating: 1, count: input.shape.rank)
        for axis in stride(from: input.shape.rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * input.shape[axis + 1]
        }
        // The kernel has six axes; those in front have one index.
        let front = [Int64](repeating: 1, count: 6 - axes.count)
        let order = front + axes.map { Int64(input.shape[$0]) } + front.map { _ in 0 } + axes.map { Int64(strides[$0]) }
        try launch(.elements, "permute", .pieces(input.elementCount), from, to, order, Int64(input.elementCount))
    }

    /// The norms of rows and of heads.
    func norm(_ operation: Operation) throws(TensorError) {
        switch operation {
        case .layerNorm(let input, let epsilon, let shift, let scale, let output):
            try norm(Norm(kind: 0, input: input, scale: scale, shift: shift, epsilon: epsilon), output)
        case .rmsNorm(let input, let weight, let epsilon, let output):
            try norm(Norm(kind: 1, input: input, scale: weight, shift: nil, epsilon: epsilon), output)
        case .channelNorm(let input, let gamma, let activation, let output):
            try norm(
                Norm(kind: 2, input: input, scale: gamma, shift: nil, epsilon: 0, activation: activation), output)
        case .headNormRotary(let tensor, let headSize, let weight, let epsilon, let rotary):
            try headNormRotary(tensor, headSize, weight, epsilon, rotary)
        default:
            preconditionFailure("\(operation.name) is no norm")
        }
    }

    /// A norm of rows; `kind` as the kernel numbers them.
    private struct Norm {
        let kind: Int32
        let input: Tensor
        let scale: Tensor?
        let shift: Tensor?
        let epsilon: Float
        var activation = Activation.none
    }

    private func norm(_ norm: Norm, _ output: Tensor) throws(TensorError) {
        let (i, s, b) = (try view(norm.input), try view(norm.scale), try view(norm.shift))
        let o = try target(output, reading: norm.input)
        guard output.elementCount > 0 else { return }
        let columns = output.shape[-1]
        let (rows, vector) = (output.elementCount / columns, vectorWidth(columns, i, s, b, o))
        try launch(
            .norms, "norm_\(vector)", .rows(rows, pieces: columns / vector), norm.kind, i, s, b, o, norm.epsilon,
            norm.activation.kernelCode, Int64(rows), Int32(columns))
    }

    private func headNormRotary(
        _ tensor: Tensor, _ headSize: Int, _ weight: Tensor?, _ epsilon: Float, _ rotary: Rotary?
    ) throws(TensorError) {
        let (x, w) = (try view(tensor), try view(weight))
        guard tensor.elementCount > 0, weight != nil || rotary != nil else { return }
        let cosines = try rotary.map { (rotary) throws(TensorError) in
            try readable(rotary.cosines, as: .float32).address
        }
        let sines = try rotary.map { (rotary) throws(TensorError) in try readable(rotary.sines, as: .float32).address }
        let pairing: Int32 =
            switch rotary?.pairing {
            case nil: 0
            case .adjacent: 1
            case .halves: 2
            }
        let heads = tensor.shape[1] / headSize
        try launch(
            .norms, "head_norm_rotary", LaunchShape(grid: (tensor.shape[0], 1), block: (32, min(heads, 8))), x, w,
            cosines ?? 0, sines ?? 0, pairing, Int32(x.address % 8 == 0 ? 1 : 0), epsilon, Int32(heads),
            Int32(headSize))
    }
}
