import CKernels
import TensorCore

extension CPUBackend {
    /// Elements below which a second thread costs more than it gains.
    private static let grainElements = 32768

    /// The operations that work row by row.
    func rowOperation(_ operation: Operation) {
        switch operation {
        case .layerNorm, .rmsNorm, .headNormRotary, .channelNorm:
            norm(operation)
        case .activate(let input, let activation, let output):
            elements(input.elementCount) { range in
                mica_bias_activate(
                    input.floats + range.lowerBound, nil, output.floats + range.lowerBound, 1, range.count, range.count,
                    activation.kernelCode)
            }
        case .siluGate(let gate, let up, let output):
            elements(gate.elementCount) { range in
                let first = range.lowerBound
                mica_silu_gate(gate.floats + first, up.floats + first, output.floats + first, range.count)
            }
        case .accumulate(let target, let addend, let gate):
            rows(of: target) { first, count, columns in
                mica_accumulate(target.floats + first, addend.floats + first, gate?.floats, count, columns)
            }
        case .copy(let input, let output):
            elements(input.elementCount) { range in
                (output.floats + range.lowerBound).update(from: input.floats + range.lowerBound, count: range.count)
            }
        case .upsampleNearest(let input, let output):
            let (width, channels) = (input.shape[1], input.shape[2])
            workers.split(input.shape[0], grain: max(1, Self.grainElements / max(width * channels, 1))) { _, range in
                mica_upsample_nearest(
                    input.floats, width, channels, range.lowerBound, range.upperBound, output.floats)
            }
        case .channelAffine(let input, let scale, let shift, let output):
            rows(of: input) { first, count, columns in
                mica_channel_affine(
                    input.floats + first, scale.floats, shift.floats, output.floats + first, count, columns)
            }
        case .guidance(let positive, let negative, let scale, let normalize, let output):
            rows(of: positive) { first, count, columns in
                mica_guidance(
                    positive.floats + first, negative.floats + first, scale, normalize ? 1 : 0, output.floats + first,
                    count, columns)
            }
        case .eulerStep(let latents, let prediction, let delta):
            elements(latents.elementCount) { range in
                mica_euler_step(
                    latents.floats + range.lowerBound, prediction.floats + range.lowerBound, delta, range.count)
            }
        default:
            preconditionFailure("\(operation.name) is no row operation")
        }
    }

    private func norm(_ operation: Operation) {
        switch operation {
        case .layerNorm(let input, let epsilon, let shift, let scale, let output):
            rows(of: input) { first, count, columns in
                mica_layer_norm(
                    input.floats + first, shift?.floats, scale?.floats, epsilon, output.floats + first, count, columns)
            }
        case .rmsNorm(let input, let weight, let epsilon, let output):
            rows(of: input) { first, count, columns in
                mica_rms_norm(input.floats + first, weight.floats, epsilon, output.floats + first, count, columns)
            }
        case .channelNorm(let input, let gamma, let activation, let output):
            rows(of: input) { first, count, columns in
                mica_channel_norm(
                    input.floats + first, gamma.floats, output.floats + first, count, columns, activation.kernelCode)
            }
        case .headNormRotary(let tensor, let headSize, let weight, let epsilon, let rotary):
            rows(of: tensor) { first, count, columns in
                let angles = first / columns * (headSize / 2)
                mica_head_norm_rotary(
                    tensor.floats + first, weight?.floats, epsilon,
                    rotary.map { UnsafePointer($0.cosines.floats + angles) },
                    rotary.map { UnsafePointer($0.sines.floats + angles) }, rotary?.pairing == .halves ? 1 : 0, count,
                    columns / headSize, headSize)
            }
        default:
            preconditionFailure("\(operation.name) is no norm")
        }
    }

    /// The rows `indices` of a table, widened.
    func gatherRows(_ table: Tensor, _ indices: [Int32], _ output: Tensor) throws(TensorError) {
        let columns = table.shape[1]
        let rows = WeightRows(table)
        let target = output.floats
        workers.split(indices.count, grain: max(1, Self.grainElements / max(columns, 1))) { _, range in
            for row in range {
                rows.values(Int(indices[row]), into: target + row * columns)
            }
        }
    }

    /// Calls `body` with the first element, the number of rows and the row length of each piece of [.., C].
    private func rows(of tensor: Tensor, _ body: (_ first: Int, _ count: Int, _ columns: Int) -> Void) {
        let columns = tensor.shape[-1]
        guard columns > 0 else { return }
        workers.split(tensor.elementCount / columns, grain: max(1, Self.grainElements / columns)) { _, range in
            body(range.lowerBound * columns, range.count, columns)
        }
    }

    private func elements(_ count: Int, _ body: (Range<Int>) -> Void) {
        workers.split(count, grain: Self.grainElements) { _, range in body(range) }
    }
}
