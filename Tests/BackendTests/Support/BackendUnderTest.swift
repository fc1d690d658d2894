import CPUBackend
import Foundation
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
    /// False if convolutions round their operands to 16 bits.
    var convolvesExactly = true
    /// Which of how many parts of all cases run on it; nil for all of them.
    var share: (index: Int, of: Int)?
    /// An instance with nothing allocated.
    let make: @Sendable () -> any Backend

    /// 16 units of float32's half spacing, 2^-24, for every weight type. Operands are exact, since weights of 16 bits
    /// are widened without loss; what is left is the rounding of sums of K <= 1152 terms in 16 or more lanes, about
    /// sqrt(K / 16) units at random signs, and of activations (a few units, see `ActivationTests`). A kernel that
    /// rounded one operand to 16 bits would show 2^-9.
    static let float32Bound = 0x1p-20
    private static let termsOfFloat32Bound = 1152

    /// The bound for products of so many terms: rounding to float32 grows as the root of their number, while what
    /// operands lose by rounding stays.
    func bound(_ dtype: DType, terms: Int) -> Double {
        let bound = bound(dtype)
        guard bound == Self.float32Bound, terms > Self.termsOfFloat32Bound else { return bound }
        return bound * (Double(terms) / Double(Self.termsOfFloat32Bound)).squareRoot()
    }

    /// Every backend of this machine.
    static let all =
        (CUDAUnderTest.isAlone ? [] : cpus + lesserCPUs + pairCPUs + bfloat16CPUs + otherBFloat16CPUs)
        + CUDAUnderTest.all

    /// True if a case is among those that run on it.
    func takes(_ test: OperationCase) -> Bool {
        share.map { Int(SeededValues.seed(of: test.description) >> 8) % $0.of == $0.index } ?? true
    }

    /// The CPU backend, which splits its work by the number of threads.
    static let cpus = [cpu(threads: 1), cpu(threads: 2), cpu(threads: 3)]

    /// The CPU backend as CPUs with fewer instructions than this one have it.
    private static let lesserCPUs = lesserInstructions.map { instructions in
        BackendUnderTest(
            description: "cpu, \(instructions)", bound: { _ in float32Bound },
            make: { CPUBackend(threads: 2, compute: .float32, instructions: instructions) })
    }

    private static let lesserInstructions: [HostInstructions] =
        switch HostInstructions.ofThisCPU {
        case .portable: []
        case .avx2: [.portable]
        case .avx512: [.portable, .avx2]
        }

    /// Products of 16-bit integers, as CPUs with AVX2 alone have them for bfloat16 (those with VNNI are among the
    /// `bfloat16CPUs`): each operand is off by 2.4 parts in 10,000 of its slice at most, by 1 in the mean, and
    /// attention rounds four times (queries, keys, weights, values).
    private static let pairCPUs = (HostInstructions.ofThisCPU == .portable ? [] : [1, 2]).map { (threads: Int) in
        BackendUnderTest(
            description: "cpu as 16-bit integers with \(threads) threads", bound: { _ in 0x1p-11 },
            make: { CPUBackend(threads: threads, compute: .bfloat16, instructions: .avx2) })
    }

    /// Products of operands rounded to bfloat16, where this CPU has instructions for them: an operand is off by 2^-9 at
    /// most, sums of random products by about that; attention rounds three times (scores' operands, weights, values).
    private static let bfloat16CPUs = (ComputePrecision.hasBFloat16Instructions ? [1, 2] : []).map { (threads: Int) in
        BackendUnderTest(
            description: "cpu in bfloat16 with \(threads) threads", bound: { _ in 0x1p-7 },
            make: { CPUBackend(threads: threads, compute: .bfloat16) })
    }

    /// Products of 8-bit weights and inputs, for which inputs are rounded to 1 / 255 of their row's range: an error of
    /// 0.3 / 255 of it, which is 1.7 times uniform values' own size.
    static let int8CPUs =
        (ComputePrecision.hasFastInt8 && !CUDAUnderTest.isAlone ? [1, 2] : []).map { (threads: Int) in
            BackendUnderTest(
                description: "cpu in int8 with \(threads) threads", bound: { _ in 0x1p-7 },
                make: { CPUBackend(threads: threads, compute: .int8) })
        } + (ComputePrecision.hasFastInt8 && !CUDAUnderTest.isAlone ? [lesserInt8CPU] + libraryInt8CPUs : [])

    /// Every backend as it multiplies blocks' matrices that it rounds to few bits by itself.
    static var rounding: [BackendUnderTest] {
        var computes: [ComputePrecision] = []
        if !CUDAUnderTest.isAlone { computes.append(.float32) }
        if !CUDAUnderTest.isAlone, ComputePrecision.hasFastInt8 { computes.append(.int8) }
        let cpus: [BackendUnderTest] = computes.map { (compute: ComputePrecision) in
            BackendUnderTest(
                description: "cpu in \(compute)", bound: { _ in 0x1p-4 },
                make: { CPUBackend(threads: 2, compute: compute) })
        }
        return cpus + CUDAUnderTest.rounding
    }

    /// On a CPU with more, what AVX2 alone makes of it; on one without, the same once more.
    private static let lesserInt8CPU = BackendUnderTest(
        description: "cpu in int8 with AVX2", bound: { _ in 0x1p-7 },
        make: { CPUBackend(threads: 2, compute: .int8, instructions: .avx2) })

    private static let hasWholeLibrary =
        HostInstructions.ofThisCPU == .avx512 && ProcessInfo.processInfo.environment["MICA_TEST_AVX512_EMULATED"] == nil

    /// Not with AVX2, where oneDNN cuts sums of two products off at 16 bits; it sees the CPU below emulated AVX-512.
    private static let libraryInt8CPUs = (hasWholeLibrary ? [2] : []).map { (threads: Int) in
        BackendUnderTest(
            description: "cpu in int8 through oneDNN", bound: { _ in 0x1p-7 },
            make: {
                CPUBackend(threads: threads, compute: .int8, instructions: nil, products: .library)
            })
    }

    /// As `bfloat16CPUs`, in tiles and through oneDNN, where 16-bit integers may take their place otherwise.
    private static let otherBFloat16CPUs = otherProducts.map { products in
        BackendUnderTest(
            description: "cpu in bfloat16 by \(products)", bound: { _ in 0x1p-7 },
            make: { CPUBackend(threads: 2, compute: .bfloat16, instructions: nil, products: products) })
    }

    private static let otherProducts: [ProductKernels] =
        ComputePrecision.hasBFloat16Instructions ? (hasWholeLibrary ? [.tiles, .library] : [.tiles]) : []

    private static func cpu(threads: Int) -> BackendUnderTest {
        BackendUnderTest(
            description: "cpu with \(threads) threads", bound: { _ in float32Bound },
            make: { CPUBackend(threads: threads) })
    }
}
