import QwenImage
import TensorCore
import Weights

/// Has a backend do a little of everything, so that the code of its libraries is in memory and its threads run: what a
/// job takes afterwards is the job's, and the first one is as fast as the others.
enum WarmUp {
    private static let rows = 300
    private static let width = 64
    /// Features of a product, [output, input]: even ones, and ones with a rest.
    private static let products: [Shape] = [[64, 64], [320, 192], [50, 96], [16, 80]]
    /// Libraries have code for a row, for few and for many.
    private static let rowCounts = [1, 37, 64, 300]
    private static let side = 16

    /// Some milliseconds of work on each device that is the host; nothing of it stays. A GPU's first job compiles what
    /// it needs. Throws what the backend throws.
    ///
    /// - Parameter forms: what a model's matrices will be converted to.
    static func run(_ devices: [OffloadManager.Device], _ forms: WeightForms) throws {
        for device in devices where device.name.kind == .cpu {
            try run(device.backend, forms)
            device.backend.releaseUnusedMemory()
            device.backend.resetPeak()
        }
    }

    private static func run(_ backend: any Backend, _ forms: WeightForms) throws {
        for dtype in [DType.float32, .bfloat16] {
            let source = SyntheticSource(dtype: dtype, isFilled: true)
            for shape in products {
                let stored = try source.tensor(named: "\(shape)", shape: shape)
                let input = try SyntheticValues.tensor([rows, shape[1]], on: backend)
                let converted = try forms.all.map { try backend.blockWeight(stored, as: $0) }
                for matrix in [try backend.weight(stored)] + converted {
                    for count in rowCounts {
                        _ = try backend.linear(input.rows(0..<count), Linear(weight: matrix, bias: nil))
                    }
                }
            }
            let convolution = Convolution(
                weight: try backend.convolutionWeight(
                    try source.tensor(named: "warm up", shape: [width, width, 3, 3])),
                bias: try backend.upload([Float](repeating: 0, count: width), [width]))
            let picture = try SyntheticValues.tensor([side, side, width], on: backend)
            _ = try backend.convolution(picture, convolution, .same(kernel: 3))
        }
        let tokens = try SyntheticValues.tensor([rows, width], on: backend)
        let layout = AttentionLayout(heads: 1, headSize: width)
        try backend.attention(tokens, tokens, tokens, layout, into: try backend.empty([rows, width]))
        try backend.synchronize()
    }
}
