import CKernels
import TensorCore

extension CPUBackend {
    /// The patches of one piece of the output, a worker: half of a second-level cache.
    private static let patchBytes = 512 << 10

    /// Patches of a run of output pixels are laid out as rows and
    /// multiplied with the weight; 1x1 kernels need no patches.
    func convolution(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor, _ geometry: ConvolutionGeometry, _ addend: Tensor?,
        _ output: Tensor
    ) throws(TensorError) {
        if weight.shape.rank == 5 {
            return try directConvolution(input, weight, bias, geometry, addend, output)
        }
        let channels = input.shape[2]
        let outputs = output.shape[2]
        let depth = geometry.kernel * geometry.kernel * channels
        precondition(weight.shape == [outputs, geometry.kernel, geometry.kernel, channels])
        let pixels = output.shape[0] * output.shape[1]
        let isPointwise = geometry.kernel == 1 && geometry.stride == 1
        let run = max(16, Self.patchBytes / (depth * 4))
        let tasks = (pixels + run - 1) / run
        let scratch =
            isPointwise
            ? nil
            : try allocate([min(workers.count, tasks), run, depth], .float32, operation: "convolution")
        let (x, w, y) = (input.floats, weight.floats, output.floats)
        let patches = scratch?.floats
        workers.run(tasks: tasks) { worker, task in
            let range = (task * run)..<min((task + 1) * run, pixels)
            let rows: UnsafeMutablePointer<Float>
            if let patches {
                rows = patches + worker * run * depth
                mica_im2col(
                    x, input.shape[0], input.shape[1], channels, geometry.kernel, geometry.stride, geometry.top,
                    geometry.left, output.shape[1], range.lowerBound, range.count, rows)
            } else {
                rows = x + range.lowerBound * channels
            }
            let result = y + range.lowerBound * outputs
            if let addend {
                result.update(from: addend.floats + range.lowerBound * outputs, count: range.count * outputs)
            }
            BLAS.multiply(
                range.count, outputs, depth, rows, depth, w, depth, transposed: true, beta: addend == nil ? 0 : 1,
                result, outputs)
            mica_bias_activate(result, bias.floats, result, range.count, outputs, outputs, Int32(MICA_NONE))
        }
    }
}
