import CCUDA
import Synchronization
import TensorCore

/// Convolutions by cuDNN: a graph of the convolution and the addition of its bias, a plan for each shape, made at first
/// need.
///
/// The channels lie last in pictures, and the weight as [outputs, rows, columns, inputs]: to cuDNN, whose extents are
/// those of [N, C, H, W] whatever the order in memory, that is told by strides.
final class ConvolutionPlans: Sendable {
    /// What a plan is made for; bfloat16 in and out, sums in float32.
    struct Key: Hashable {
        let height: Int
        let width: Int
        let inputs: Int
        let outputs: Int
        let geometry: ConvolutionGeometry
        /// Work space that a plan may want.
        let workspaceLimitBytes: Int
    }

    /// A plan, and what was found of it.
    // @unchecked because the verdict belongs to the one thread that owns the backend.
    final class Plan: @unchecked Sendable {
        /// Whether a shape is computed by its plan.
        enum Verdict {
            /// Nobody knows yet.
            case open
            case taken
            /// It disagrees with the other way, is slower, or failed.
            case left
        }

        fileprivate let plan: DNNPlan
        var verdict = Verdict.open
        /// Comparisons that showed nothing, as all was zero.
        var idleComparisonCount = 0

        var workspaceBytes: Int { plan.workspaceBytes }

        fileprivate init(_ plan: DNNPlan) {
            self.plan = plan
        }
    }

    /// Tensors of the graph, as its plan knows them.
    private enum ID: Int64 {
        case input = 1
        case weight, bias, output, sums

        /// Those that lie in memory.
        static let stored = [input, weight, bias, output].map(\.rawValue)
    }

    /// A picture's size has some seventy shapes, as strips at its edges have other paddings.
    private static let planLimit = 1024
    /// Of as many proposals some came compiled.
    private static let proposalCount = 16

    private let library: DNNLibrary
    private let plans: DNNPlanCache<Key, Plan>
    private static let isGivenUp = Atomic<Bool>(false)

    /// Has no backend of this process that is opened from now on convolve by cuDNN.
    static func giveUp() { isGivenUp.store(true, ordering: .relaxed) }

    /// Nil after `giveUp`.
    init?(_ library: DNNLibrary) {
        guard !Self.isGivenUp.load(ordering: .relaxed) else { return nil }
        self.library = library
        plans = DNNPlanCache(library, limit: Self.planLimit)
    }

    /// The plan for a shape; nil if cuDNN has none.
    func plan(_ key: Key) throws(TensorError) -> Plan? {
        try plans.plan(key) {
            let demands = DNNPlan.Demands(
                proposalCount: Self.proposalCount, workspaceLimitBytes: key.workspaceLimitBytes, isPlain: true)
            let made = Graph(library, key).flatMap { library.plan($0.graph, demands) }
            CUDALog.note(
                "cuDNN has \(made.map { "a plan with \($0.workspaceBytes) bytes" } ?? "no plan") for \(key)")
            return made.map(Plan.init)
        }
    }

    /// Runs a plan on addresses of tensors that lie one element behind the other; false if cuDNN fails, which leaves
    /// the output undefined.
    ///
    /// - Throws: what the driver says, if something worse happened.
    func run(
        _ plan: Plan, input: MicaDeviceAddress, weight: MicaDeviceAddress, bias: MicaDeviceAddress,
        output: MicaDeviceAddress, workspace: MicaDeviceAddress
    ) throws(TensorError) -> Bool {
        let pointers = [input, weight, bias, output].map { UnsafeMutableRawPointer(bitPattern: UInt($0)) }
        let code = library.execute(plan.plan, ids: ID.stored, pointers: pointers, workspace: workspace)
        guard code != 0 else { return true }
        CUDALog.note("cudnnBackendExecute of a convolution answered \(code)")
        let device = library.device
        try device.check(device.driver.cuCtxSynchronize(), "cuCtxSynchronize after cudnnBackendExecute")
        return false
    }

    /// The operation graph `input * weight + bias` of one shape.
    private struct Graph {
        let graph: DNNDescriptor
        /// Kept as long as the graph is used.
        private let parts: [DNNDescriptor]

        /// Nil if cuDNN refuses a part.
        init?(_ library: DNNLibrary, _ key: Key) {
            let functions = library.functions
            let bfloat16 = Int32(MICA_DNN_BFLOAT16)
            let side = key.geometry.kernel
            let (height, width) = (key.geometry.outputHeight(key.height), key.geometry.outputWidth(key.width))
            func tensor(_ id: ID, _ type: Int32, _ extents: [Int], _ kind: DNNDescriptor.Kind) -> DNNDescriptor? {
                let (channels, rows, columns) = (extents[1], extents[2], extents[3])
                let strides = [rows * columns * channels, 1, columns * channels, channels]
                return DNNDescriptor.tensor(
                    functions, id.rawValue, type, extents.map(Int64.init), strides.map(Int64.init), kind)
            }
            guard let input = tensor(.input, bfloat16, [1, key.inputs, key.height, key.width], .stored),
                let weight = tensor(.weight, bfloat16, [key.outputs, key.inputs, side, side], .stored),
                let sums = tensor(.sums, Int32(MICA_DNN_FLOAT), [1, key.outputs, height, width], .virtual),
                let bias = tensor(.bias, bfloat16, [1, key.outputs, 1, 1], .stored),
                let output = tensor(.output, bfloat16, [1, key.outputs, height, width], .stored),
                let kind = Self.kind(functions, key.geometry),
                let forward = Self.forward(functions, kind, input, weight, sums),
                let kindOfAddition = DNNDescriptor(functions, Int32(MICA_DNN_POINTWISE)),
                kindOfAddition.set(
                    Int32(MICA_DNN_POINTWISE_MODE), Int32(MICA_DNN_TYPE_POINTWISE_MODE), [Int32(MICA_DNN_ADD)]),
                kindOfAddition.set(
                    Int32(MICA_DNN_POINTWISE_PRECISION), Int32(MICA_DNN_TYPE_DATA_TYPE), [Int32(MICA_DNN_FLOAT)]),
                kindOfAddition.finalize(),
                let addition = DNNDescriptor(functions, Int32(MICA_DNN_POINTWISE_OPERATION)),
                addition.set([
                    MICA_DNN_POINTWISE_KIND: kindOfAddition, MICA_DNN_POINTWISE_INPUT: sums,
                    MICA_DNN_POINTWISE_ADDEND: bias, MICA_DNN_POINTWISE_OUTPUT: output,
                ]), addition.finalize(), let graph = library.graph([forward, addition])
            else { return nil }
            self.graph = graph
            parts = [input, weight, sums, bias, output, kind, forward, kindOfAddition, addition]
        }

        /// Steps and zeros around the picture, rows first.
        private static func kind(_ functions: MicaCUDNN, _ geometry: ConvolutionGeometry) -> DNNDescriptor? {
            guard let kind = DNNDescriptor(functions, Int32(MICA_DNN_CONVOLUTION)),
                kind.set(
                    Int32(MICA_DNN_CONVOLUTION_PRECISION), Int32(MICA_DNN_TYPE_DATA_TYPE), [Int32(MICA_DNN_FLOAT)]),
                // Without turning the kernel around.
                kind.set(
                    Int32(MICA_DNN_CONVOLUTION_MODE), Int32(MICA_DNN_TYPE_CONVOLUTION_MODE),
                    [Int32(MICA_DNN_CROSS_CORRELATION)])
            else { return nil }
            let values: KeyValuePairs = [
                MICA_DNN_CONVOLUTION_DILATIONS: [1, 1],
                MICA_DNN_CONVOLUTION_STRIDES: [geometry.stride, geometry.stride],
                MICA_DNN_CONVOLUTION_PRE_PADDINGS: [geometry.top, geometry.left],
                MICA_DNN_CONVOLUTION_POST_PADDINGS: [geometry.bottom, geometry.right],
                MICA_DNN_CONVOLUTION_SPATIAL_DIMENSIONS: [2],
            ]
            let isSet = values.allSatisfy { name, numbers in
                kind.set(Int32(name), Int32(MICA_DNN_TYPE_INT64), numbers.map(Int64.init))
            }
            return isSet && kind.finalize() ? kind : nil
        }

        private static func forward(
            _ functions: MicaCUDNN, _ kind: DNNDescriptor, _ input: DNNDescriptor, _ weight: DNNDescriptor,
            _ output: DNNDescriptor
        ) -> DNNDescriptor? {
            guard let forward = DNNDescriptor(functions, Int32(MICA_DNN_CONVOLUTION_FORWARD)),
                forward.set(Int32(MICA_DNN_FORWARD_ALPHA), Int32(MICA_DNN_TYPE_FLOAT), [1 as Float]),
                forward.set(Int32(MICA_DNN_FORWARD_BETA), Int32(MICA_DNN_TYPE_FLOAT), [0 as Float]),
                forward.set([
                    MICA_DNN_FORWARD_CONVOLUTION: kind, MICA_DNN_FORWARD_INPUT: input,
                    MICA_DNN_FORWARD_WEIGHT: weight, MICA_DNN_FORWARD_OUTPUT: output,
                ]), forward.finalize()
            else { return nil }
            return forward
        }
    }
}
