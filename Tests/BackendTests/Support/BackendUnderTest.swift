import CPUBackend
import TensorCore

/// A backend that the operation tests run on, and what may be expected of it.
///
/// A new device adds a line to `all` and nothing else: every case of every operation then runs on it.
struct BackendUnderTest: Sendable, CustomStringConvertible {
    /// How failures name it.
    let description: String
    /// Relative L2 error (the root of NMSE) that an operation may have whose weights are of an element type, against a
    /// reference in float64 that starts from the same, already rounded weights.
    let bound: @Sendable (DType) -> Double
    /// A new instance, with nothing allocated.
    let make: @Sendable () -> any Backend

    /// 16 units of float32's half spacing, 2^-24, for every weight type. Operands are exact, since weights of 16 bits
    /// are widened without loss; what is left is the rounding of sums of K <= 1152 terms in 16 or more lanes, about
    /// sqrt(K / 16) units at random signs, and of activations (a few units, see `ActivationTests`). A kernel that
    /// rounded one operand to 16 bits would show 2^-9.
    static let float32Bound = 0x1p-20

    /// Every backend of this machine.
    static let all = cpus

    /// The CPU backend, which splits its work by the number of threads.
    static let cpus = [cpu(threads: 1), cpu(threads: 2), cpu(threads: 3)]

    private static func cpu(threads: Int) -> BackendUnderTest {
        BackendUnderTest(
            description: "cpu with \(threads) threads", bound: { _ in float32Bound },
            make: { CPUBackend(threads: threads) })
    }
}
