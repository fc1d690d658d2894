import CUDABackend
import TensorCore

/// The device of these tests.
enum TestDevice {
    static let libraries = Result { () throws(CUDAUnavailable) in try CUDALibraries() }

    /// Why there is none; empty if there is one.
    static var absence: String {
        if case .failure(let reason) = libraries { return reason.description }
        return ""
    }

    static var isPresent: Bool { absence.isEmpty }

    static func backend(_ change: (inout CUDABackend.Options) -> Void = { _ in }) throws -> CUDABackend {
        var options = CUDABackend.Options()
        change(&options)
        return try CUDABackend(libraries.get(), options: options)
    }
}
