import TensorCore

/// What one branch of one image remembers from step to step, so that most blocks need not be computed where little has
/// changed: what the first block adds to the tokens, and what all others add after it.
///
/// Where the first block adds nearly what it added when all blocks were last computed, the others are taken to add what
/// they added then. Text tokens play no part: nothing after the blocks reads them.
/// Source: diffusers `hooks/first_block_cache.py` (`FirstBlockCacheConfig`, `FBCHeadBlockHook`, `FBCBlockHook`).
public final class FirstBlockCache {
    /// How much may change, as a part of what the first block adds: the mean of the differences' sizes over the mean of
    /// the sizes.
    private let threshold: Double
    /// [imageTokens, dim] on the first block's device, of the last step that was computed.
    private var firstResidual: Tensor?
    /// [imageTokens, dim] there: what the other blocks have added.
    private var othersResidual: Tensor?
    /// [imageTokens, dim] there: the first block's output, until the last one's is known.
    private var firstOutput: Tensor?

    /// Steps that took over what the other blocks had added.
    public private(set) var reusedSteps = 0

    /// Elements that are looked at together.
    private static let blockElements = 1 << 20

    /// Remembers nothing yet.
    public init(threshold: Double) {
        self.threshold = threshold
    }

    /// Decides after the first block. True if the others add what they added before, which `image` then contains.
    ///
    /// - Parameters:
    ///   - image: [imageTokens, dim], after the block.
    ///   - input: [imageTokens, dim], before it; is used up.
    func reuses(after image: Tensor, input: Tensor, on backend: any Backend) throws(TensorError) -> Bool {
        let residual = try difference(image, input, on: backend)
        if let former = firstResidual, let others = othersResidual, try isNear(residual, former, on: backend) {
            reusedSteps += 1
            try backend.accumulate(image, others, gate: nil)
            return true
        }
        othersResidual = nil
        firstResidual = residual
        firstOutput = try Self.copy(image, on: backend)
        return false
    }

    /// Takes note of what the last block has left: [imageTokens, dim] on the first block's device.
    func keep(_ image: Tensor, on backend: any Backend) throws(TensorError) {
        guard let first = firstOutput else { preconditionFailure("a last block without a first one") }
        firstOutput = nil
        othersResidual = try difference(image, first, on: backend)
    }

    /// `a - b` in a tensor of its own.
    private func difference(_ a: Tensor, _ b: Tensor, on backend: any Backend) throws(TensorError) -> Tensor {
        let difference = try Self.copy(a, on: backend)
        try backend.eulerStep(difference, prediction: b, delta: -1)
        return difference
    }

    /// The same values in a tensor of their own.
    static func copy(_ tensor: Tensor, on backend: any Backend) throws(TensorError) -> Tensor {
        let copy = try backend.empty(tensor.shape)
        try backend.copy(tensor, into: copy)
        return copy
    }

    /// A rehearsal, whose tensors have no values, computes everything: that takes the most memory.
    private func isNear(_ residual: Tensor, _ former: Tensor, on backend: any Backend) throws(TensorError) -> Bool {
        guard backend.holdsData else { return false }
        let rows = residual.shape[0]
        let rowsTogether = max(1, Self.blockElements / residual.shape[1])
        var (changed, size) = (0.0, 0.0)
        for first in stride(from: 0, to: rows, by: rowsTogether) {
            let some = first..<min(first + rowsTogether, rows)
            let (now, before) = (try backend.download(residual.rows(some)), try backend.download(former.rows(some)))
            let sums = Self.sums(now, before)
            changed += sums.changed
            size += sums.size
        }
        // As upstream: what is no number counts as near.
        return !(changed / size > threshold)
    }

    private static func sums(_ now: [Float], _ before: [Float]) -> (changed: Double, size: Double) {
        var (changed, size) = (0.0, 0.0)
        for index in now.indices {
            changed += Double(abs(now[index] - before[index]))
            size += Double(abs(before[index]))
        }
        return (changed, size)
    }
}
