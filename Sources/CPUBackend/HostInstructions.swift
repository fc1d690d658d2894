import CKernels

/// The widest vector instructions that a backend may use.
package enum HostInstructions: Sendable, CaseIterable {
    /// What every CPU has: OpenBLAS, and kernels that the compiler vectorises.
    case portable
    /// AVX2 with fused multiply-add.
    case avx2
    /// AVX-512 (F, BW, VL, DQ).
    case avx512

    /// The widest of this CPU.
    package static var ofThisCPU: HostInstructions {
        if mica_has_avx512() == 1 { return .avx512 }
        return mica_has_avx2() == 1 ? .avx2 : .portable
    }

    /// Outputs of a panel of weights: two vectors.
    var panelWidth: Int { self == .avx512 ? 32 : 16 }

    /// The convolution of rows in float32, see `mica_convolve_rows_f32`.
    ///
    /// - Parameters:
    ///   - input: with its padding around it, `inputWidth` pixels of `units` a row.
    ///   - panels: the weight in panels of `panelWidth` outputs.
    func convolveRows(
        _ input: UnsafePointer<Float>, inputWidth: Int, units: Int, kernel: Int, stride: Int,
        panels: UnsafePointer<Float>, bias: UnsafePointer<Float>, addend: UnsafePointer<Float>?, rows: Int, width: Int,
        outputs: Int, output: UnsafeMutablePointer<Float>
    ) {
        switch self {
        case .portable: preconditionFailure("a packed convolution on a CPU without its instructions")
        case .avx2:
            mica_convolve_rows_f32_avx2(
                input, inputWidth, units, kernel, stride, panels, bias, addend, rows, width, outputs, output)
        case .avx512:
            mica_convolve_rows_f32(
                input, inputWidth, units, kernel, stride, panels, bias, addend, rows, width, outputs, output)
        }
    }

    /// A panel of a 3x3 convolution's weight as the 16 points of Winograd's F(2x2, 3x3), see
    /// `mica_winograd_avx2_weight`.
    func winogradWeight(
        _ panel: UnsafePointer<Float>, units: Int, points: UnsafeMutablePointer<Float>, pointStride: Int
    ) {
        switch self {
        case .portable: preconditionFailure("a packed convolution on a CPU without its instructions")
        case .avx2: mica_winograd_avx2_weight(panel, units, points, pointStride)
        case .avx512: mica_winograd_avx512_weight(panel, units, points, pointStride)
        }
    }

    /// The convolution of rows with such points, see `mica_winograd_avx2_rows`.
    func winogradRows(
        _ input: UnsafePointer<Float>, inputWidth: Int, units: Int, points: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, addend: UnsafePointer<Float>?, rows: Int, width: Int, outputs: Int, block: Int,
        scratch: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>
    ) {
        switch self {
        case .portable: preconditionFailure("a packed convolution on a CPU without its instructions")
        case .avx2:
            mica_winograd_avx2_rows(
                input, inputWidth, units, points, bias, addend, rows, width, outputs, block, scratch, output)
        case .avx512:
            mica_winograd_avx512_rows(
                input, inputWidth, units, points, bias, addend, rows, width, outputs, block, scratch, output)
        }
    }

    /// `output = rows * panels`, or `output += ` it: a convolution with a kernel of one cell.
    ///
    /// - Parameters:
    ///   - input: [rows, units].
    ///   - panels: [outputs / width, units, width].
    ///   - zeros: at least as many as `outputs`.
    ///   - output: [rows, outputs].
    func multiply(
        _ input: UnsafePointer<Float>, rows: Int, units: Int, panels: UnsafePointer<Float>, outputs: Int,
        zeros: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        convolveRows(
            input, inputWidth: rows, units: units, kernel: 1, stride: 1, panels: panels, bias: zeros,
            addend: adds ? UnsafePointer(output) : nil, rows: 1, width: rows, outputs: outputs, output: output)
    }
}
