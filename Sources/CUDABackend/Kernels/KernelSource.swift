/// The CUDA C++ sources of the backend's kernels, compiled by NVRTC at first use.
///
/// A program is compiled as a whole and cached on disk; a kernel is found in it by name. The sources include nothing,
/// so that NVRTC needs no header beside it.
struct KernelSource: Sendable {
    /// Part of the cached file's name.
    let name: String
    let text: String

    static let elements = KernelSource(name: "elements", text: common + elementKernels)
    static let norms = KernelSource(name: "norms", text: common + normKernels)
    static let products = KernelSource(name: "products", text: common + matrixUnits + productKernels)
    static let attention = KernelSource(name: "attention", text: common + matrixUnits + attentionKernels)

    static let quantized = KernelSource(name: "quantized", text: common + blockKernels + quantizedKernels)

    /// Every program.
    static let all = [elements, norms, products, attention, quantized]
}
