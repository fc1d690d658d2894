import CKernels
import TensorCore

/// The input rows that some rows of the output need, in the products' type, with the padding around them.
struct PaddedStrip {
    let input: Tensor
    let geometry: ConvolutionGeometry
    /// Most rows of the output.
    let outputRows: Int
    let dtype: DType
    /// Columns of zeros beyond the padding on the right.
    var extraColumns = 0

    /// Pixels of a row, padding included.
    var width: Int { input.shape[1] + geometry.left + geometry.right + extraColumns }
    private var lineElements: Int { width * input.shape[2] }
    var elementCount: Int { ((outputRows - 1) * geometry.stride + geometry.kernel) * lineElements }

    func fill(_ strip: UnsafeMutableRawPointer, firstOutputRow: Int, rows: Int) {
        let (height, channels) = (input.shape[0], input.shape[2])
        let pixels = input.shape[1] * channels
        let bytes = dtype.byteCount
        for index in 0..<((rows - 1) * geometry.stride + geometry.kernel) {
            let line = strip + index * lineElements * bytes
            let row = firstOutputRow * geometry.stride - geometry.top + index
            guard (0..<height).contains(row) else {
                line.initializeMemory(as: UInt8.self, repeating: 0, count: lineElements * bytes)
                continue
            }
            let inside = line + geometry.left * channels * bytes
            line.initializeMemory(as: UInt8.self, repeating: 0, count: geometry.left * channels * bytes)
            if dtype == .bfloat16 {
                mica_narrow_bf16(input.floats + row * pixels, inside.assumingMemoryBound(to: UInt16.self), pixels)
            } else {
                inside.copyMemory(from: input.floats + row * pixels, byteCount: pixels * bytes)
            }
            (inside + pixels * bytes).initializeMemory(
                as: UInt8.self, repeating: 0, count: (geometry.right + extraColumns) * channels * bytes)
        }
    }
}
