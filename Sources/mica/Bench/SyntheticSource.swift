import Synchronization
import TensorCore
import Weights

/// A checkpoint that has every tensor that is asked for: pseudo-random weights of the scale that models start with.
///
/// Matrices are kept, as a mapped file keeps them; what a backend copies anyway is made anew each time.
final class SyntheticSource: TensorSource {
    let location = "synthetic weights"
    let names: [String] = []
    private let dtype: DType
    private let isFilled: Bool
    let weightForm: WeightForm?
    private let matrices = Mutex<[String: SyntheticMemory]>([:])
    private let ranks = Mutex<[Int]>([])

    /// Of the LoRAs that every layer has.
    var loraRanks: [Int] {
        get { ranks.withLock { $0 } }
        set { ranks.withLock { $0 = newValue } }
    }

    /// - Parameters:
    ///   - dtype: float32 or bfloat16, or for matrices alone a type of blocks.
    ///   - isFilled: false leaves the weights untouched, for a backend that does not look at them.
    ///   - form: what blocks' matrices are asked to be held in; nil for as they are.
    init(dtype: DType, isFilled: Bool, form: WeightForm? = nil) {
        precondition(dtype == .float32 || dtype == .bfloat16 || dtype.block != nil)
        self.dtype = dtype
        self.isFilled = isFilled
        weightForm = form
    }

    func contains(_ name: String) -> Bool { true }

    func adapters(of layer: String) -> [LayerAdapter] {
        loraRanks.enumerated().map { index, rank in
            LayerAdapter(down: "lora_A.\(index)", up: "lora_B.\(index)", rank: rank, scale: 0.5)
        }
    }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        throw .tensorMissing(tensor: name, file: location)
    }

    func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        let isMatrix = shape.rank == 2
        if isMatrix, let memory = matrices.withLock({ $0[name] }) {
            return HostTensor(memory: memory, byteOffset: 0, shape: shape, dtype: dtype)
        }
        do throws(TensorError) {
            let memory = try SyntheticMemory(byteCount: dtype.byteCount(of: shape))
            if isFilled { fill(memory, name, shape) }
            if isMatrix { matrices.withLock { $0[name] = memory } }
            return HostTensor(memory: memory, byteOffset: 0, shape: shape, dtype: dtype)
        } catch {
            throw .tensor(error)
        }
    }

    private func fill(_ memory: SyntheticMemory, _ name: String, _ shape: Shape) {
        // A norm's weights lie around 1; others keep the scale of what they are multiplied with.
        let isNorm = !name.hasSuffix("bias") && shape.elementCount == shape[0]
        let bound = isNorm ? 0.1 : 1 / Float(max(shape.rowElementCount, 64)).squareRoot()
        let values = SyntheticValues.pattern(
            count: shape.elementCount, bound: bound, centre: isNorm ? 1 : 0)
        if dtype.block != nil {
            // Any of these bytes is the upper half of a small scale, and as good a number as another.
            memory.fill(with: values.map { UInt8(truncatingIfNeeded: $0.bitPattern) & 0x2F })
        } else if dtype == .float32 {
            memory.fill(with: values)
        } else {
            memory.fill(with: values.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) })
        }
    }
}
