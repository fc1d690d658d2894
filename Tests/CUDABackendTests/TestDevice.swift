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

    /// The same of the blocks that they were started in.
    static let emulatedBlocks = emulated(
        "mica_emulated_blocks", as: (@convention(c) (UnsafePointer<CChar>) -> Int32).self)

    /// Has the emulated device refuse this thread's next requests for memory, as if another process had it.
    static let refuseMemory = emulated("mica_emulated_refuse", as: (@convention(c) (Int32) -> Void).self)

    /// Has the next call of a name answer a code, and all others too until the context is reset; for processes of their
    /// own.
    static let failNext = emulated(
        "mica_emulated_fail", as: (@convention(c) (UnsafePointer<CChar>, Int32) -> Void).self)

    /// How often a device's context is held.
    static let holders = emulated("mica_emulated_holders", as: (@convention(c) (Int32) -> Int32).self)

    /// This thread's copies to a device from registered memory.
    static let copiesInPlace = emulated("mica_emulated_copies_in_place", as: (@convention(c) () -> Int32).self)

    /// Bytes of host memory that are registered with the emulated driver.
    static let registeredBytes = emulated("mica_emulated_registered", as: (@convention(c) () -> Int).self)

    /// Has memory that is registered with the emulated driver wait until a function returns; for processes of their
    /// own.
    static let registering = emulated(
        "mica_emulated_registering", as: (@convention(c) (@convention(c) () -> Void) -> Void).self)

    /// Has the emulated cuBLASLt refuse products of this thread: 1 those with a bias or an activation behind the sums,
    /// 2 those of bytes.
    static let refuseProducts = emulated(
        "mica_emulated_refuse_products", of: "libcublasLt.so.13", as: (@convention(c) (Int32) -> Void).self)

    /// What this thread's convolutions by the emulated cuDNN are: 1 slow, 2 wrong in the last column, 4 failing; its
    /// plans: 8 without an engine that suits, 16 with a large work space.
    static let changeConvolutions = emulated(
        "mica_emulated_convolutions", of: "libcudnn.so.9", as: (@convention(c) (Int32) -> Void).self)

    private static func emulated<Function>(
        _ name: String, of library: String = "libcuda.so.1", as type: Function.Type
    ) -> Function? {
        guard ProcessInfo.processInfo.environment["MICA_EMULATOR"] != nil,
            let folder = ProcessInfo.processInfo.environment["MICA_CUDA_LIBRARIES"],
            let library = dlopen("\(folder)/\(library)", RTLD_NOW),
            let symbol = dlsym(library, name)
        else { return nil }
        return unsafeBitCast(symbol, to: type)
    }

    static func backend(
        _ index: Int = 0, _ change: (inout CUDABackend.Options) -> Void = { _ in }
    ) throws -> CUDABackend {
        var options = CUDABackend.Options()
        change(&options)
        return try CUDABackend(libraries.get(), index: index, options: options)
    }
}
