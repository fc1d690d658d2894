import CUDABackend
import Foundation
import TensorCore

/// The CUDA backend as the operation tests run it, where there is a device.
///
/// An instance is kept by thread: opening a device and loading its kernels for each of thousands of cases would take
/// longer than they do.
enum CUDAUnderTest {
    /// Why there is no device, or nil.
    static let absence: String? = {
        if case .failure(let reason) = libraries { return reason.description }
        return nil
    }()

    private static let libraries = Result { () throws(CUDAUnavailable) in try CUDALibraries() }

    /// In both precisions with NVIDIA's libraries, and with Mica's own kernels for what these do.
    static let all: [BackendUnderTest] = {
        guard case .success(let libraries) = libraries else { return [] }
        let kinds = [(CUDABackend.Precision.float32, true), (.bfloat16, true), (.float32, false), (.bfloat16, false)]
        return kinds.enumerated().map { index, kind in
            let (precision, usesLibraries) = kind
            let name = "cuda in \(precision.rawValue)\(usesLibraries ? "" : " with own kernels")"
            return BackendUnderTest(
                description: name,
                // As on the CPU: 16 units of float32, or the rounding of both operands to bfloat16.
                bound: { _ in precision == .float32 ? BackendUnderTest.float32Bound : 0x1p-7 },
                convolvesExactly: precision == .float32, share: isEmulated ? (index, kinds.count) : nil,
                make: { backend(libraries, name, precision, usesLibraries: usesLibraries) })
        }
    }()

    /// With products of 8 bits, inputs rounded as well: 1 / 255 of a row's range, or to three bits behind the point.
    static let eightBits: [BackendUnderTest] = {
        guard case .success(let libraries) = libraries else { return [] }
        return [
            BackendUnderTest(
                description: "cuda with products of 8 bits",
                bound: { $0 == .float8E4M3 ? 0x1p-4 : 0x1p-7 },
                make: {
                    backend(libraries, "eight bits", .bfloat16, usesLibraries: true, multipliesEightBits: true)
                })
        ]
    }()

    /// Weights rounded on the device, with products of 8 bits and without.
    static var rounding: [BackendUnderTest] {
        guard case .success(let libraries) = libraries else { return [] }
        return [true, false].map { (multipliesEightBits: Bool) -> BackendUnderTest in
            let name = "cuda, rounding, \(multipliesEightBits ? "products of 8 bits" : "products of 16 bits")"
            return BackendUnderTest(
                description: name, bound: { _ in 0x1p-4 },
                make: {
                    backend(
                        libraries, name, .bfloat16, usesLibraries: true, multipliesEightBits: multipliesEightBits)
                })
        }
    }

    /// True on the emulated driver, which takes seconds for what a device does in no time.
    static let isEmulated = ProcessInfo.processInfo.environment["MICA_EMULATOR"] != nil

    /// True if the CPU's own runs are left out: `MICA_TEST_DEVICE=cuda`, since time on a GPU is short, and on the
    /// emulated driver.
    static let isAlone = isEmulated || ProcessInfo.processInfo.environment["MICA_TEST_DEVICE"] == "cuda"

    private static func backend(
        _ libraries: CUDALibraries, _ name: String, _ precision: CUDABackend.Precision, usesLibraries: Bool,
        multipliesEightBits: Bool = false
    ) -> any Backend {
        let known = Thread.current.threadDictionary
        if let backend = known[name] as? CUDABackend { return backend }
        var options = CUDABackend.Options()
        options.precision = precision
        options.usesProductLibrary = usesLibraries
        options.usesNeuralNetworkLibrary = usesLibraries
        // Results are looked at bit by bit, and so stay as they are computed.
        options.narrowElements = .max
        options.multipliesEightBits = multipliesEightBits
        do {
            let backend = try CUDABackend(libraries, options: options)
            known[name] = backend
            return backend
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
