/// Arithmetic and traffic of operations, by what bounds their speed.
public struct Work: Sendable, Hashable {
    /// Floating-point operations of products of several rows, which compute at the speed of matrix multiplication.
    public var productOperations = 0
    /// Floating-point operations of attention's two products; its softmax goes along with them.
    public var attentionOperations = 0
    /// Floating-point operations of convolutions.
    public var convolutionOperations = 0
    /// Bytes of weights that products of few rows read: they are bound by reading them.
    public var vectorProductBytes = 0
    /// Bytes that pointwise operations read and write.
    public var pointwiseBytes = 0
    /// Floating-point operations of everything else.
    public var pointwiseOperations = 0
    /// Operations carried out.
    public var operationCount = 0

    /// No work.
    public init() {}

    /// Up to this many rows a product is bound by reading the weight; as `CPUBackend` draws the line.
    private static let fewRows = 4

    /// The work of one operation.
    public init(_ operation: Operation) {
        operationCount = 1
        let operations = operation.floatingPointOperations
        switch operation {
        case .linear(let input, let weight, _, _, _):
            productOperations = operations
            if input.shape[0] <= Self.fewRows { vectorProductBytes = weight.byteCount }
        case .attention: attentionOperations = operations
        case .convolution: convolutionOperations = operations
        default:
            pointwiseOperations = operations
            pointwiseBytes = operation.tensors.reduce(0) { $0 + $1.byteCount }
        }
    }

    /// All floating-point operations.
    public var floatingPointOperations: Int {
        productOperations + attentionOperations + convolutionOperations + pointwiseOperations
    }

    /// The work of one and then the other.
    public static func + (one: Work, other: Work) -> Work {
        var sum = one
        sum += other
        return sum
    }

    /// Adds other work.
    public static func += (work: inout Work, other: Work) {
        work.productOperations += other.productOperations
        work.attentionOperations += other.attentionOperations
        work.convolutionOperations += other.convolutionOperations
        work.vectorProductBytes += other.vectorProductBytes
        work.pointwiseBytes += other.pointwiseBytes
        work.pointwiseOperations += other.pointwiseOperations
        work.operationCount += other.operationCount
    }

    /// The same work `count` times; what is counted twice and once less is told by -1.
    public static func * (work: Work, count: Int) -> Work {
        var product = Work()
        product.productOperations = work.productOperations * count
        product.attentionOperations = work.attentionOperations * count
        product.convolutionOperations = work.convolutionOperations * count
        product.vectorProductBytes = work.vectorProductBytes * count
        product.pointwiseBytes = work.pointwiseBytes * count
        product.pointwiseOperations = work.pointwiseOperations * count
        product.operationCount = work.operationCount * count
        return product
    }
}

extension Operation {
    /// Every tensor that takes part, the output last.
    public var tensors: [Tensor] {
        switch self {
        case .linear(let input, let weight, let bias, _, let output): [input, weight] + optional(bias) + [output]
        case .layerNorm(let input, _, let shift, let scale, let output):
            [input] + optional(shift, scale) + [output]
        case .rmsNorm(let input, let weight, _, let output): [input, weight, output]
        case .headNormRotary(let tensor, _, let weight, _, let rotary):
            optional(weight, rotary?.cosines, rotary?.sines) + [tensor, tensor]
        case .attention(let query, let key, let value, _, let output): [query, key, value, output]
        case .activate(let input, _, let output): [input, output]
        case .siluGate(let gate, let up, let output): [gate, up, output]
        case .accumulate(let target, let addend, let gate): [target, addend] + optional(gate) + [target]
        // Of the table only the rows that are asked for.
        case .gatherRows(let table, let indices, let output):
            [indices.isEmpty ? table : table.rows(0..<min(indices.count, table.shape[0])), output]
        case .permute(let input, _, let output), .copy(let input, let output), .upsampleNearest(let input, let output):
            [input, output]
        case .convolution(let input, let weight, let bias, _, let addend, let output):
            [input, weight, bias] + optional(addend) + [output]
        case .channelNorm(let input, let gamma, _, let output): [input, gamma, output]
        case .channelAffine(let input, let scale, let shift, let output): [input, scale, shift, output]
        case .guidance(let positive, let negative, _, _, let output): [positive, negative, output]
        case .eulerStep(let latents, let prediction, _): [prediction, latents, latents]
        }
    }

    private func optional(_ tensors: Tensor?...) -> [Tensor] { tensors.compactMap { $0 } }
}
