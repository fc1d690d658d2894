import CUDABackend
import Foundation
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

    /// Tells when the emulated device is done with all that it was asked for, in microseconds of its clock; nil on a
    /// real device.
    static let emulatedClock = emulated("mica_emulated_microseconds", as: (@convention(c) () -> Double).self)

    /// Counts launches of kernels by the beginning of their names; nil on a real device.
    static let emulatedLaunches = emulated(
        "mica_emulated_launches", as: (@convention(c) (UnsafePointer<CChar>) -> Int32).self)

    private static func emulated<Function>(_ name: String, as type: Function.Type) -> Function? {
        guard ProcessInfo.processInfo.environment["MICA_EMULATOR"] != nil,
            let folder = ProcessInfo.processInfo.environment["MICA_CUDA_LIBRARIES"],
            let library = dlopen("\(folder)/libcuda.so.1", RTLD_NOW),
            let symbol = dlsym(library, name)
        else { return nil }
        return unsafeBitCast(symbol, to: type)
    }

    static func backend(_ change: (inout CUDABackend.Options) -> Void = { _ in }) throws -> CUDABackend {
        var options = CUDABackend.Options()
        change(&options)
        return try CUDABackend(libraries.get(), options: options)
    }
}
