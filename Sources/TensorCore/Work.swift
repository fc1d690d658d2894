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
        case .gatherRows(_, _, let output):
            pointwiseOperations = operations
            pointwiseBytes = 2 * output.byteCount
        default:
            pointwiseOperations = operations
            pointwiseBytes = operation.operands.reduce(0) { $0 + $1.byteCount }
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
