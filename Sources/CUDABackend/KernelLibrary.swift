import CCUDA
import Synchronization
import TensorCore

import struct Foundation.URL

/// The kernels of one device: programs are compiled, or taken from the cache on disk, when one of them is first needed.
// @unchecked because the tables are behind a mutex and hold handles of the device's context.
final class KernelLibrary: @unchecked Sendable {
    private struct State: ~Copyable {
        var modules: [String: UInt] = [:]
        var functions: [String: UInt] = [:]
    }

    private let device: CUDADevice
    private let cache: CubinCache?
    private let compiled: CubinCache?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - cacheFolder: where cubins are kept; nil keeps none.
    ///   - compiledFolder: where cubins are that came with the program; nil for none.
    init(device: CUDADevice, cacheFolder: URL?, compiledFolder: URL?) {
        self.device = device
        cache = cacheFolder.map { CubinCache(folder: $0) }
        compiled = compiledFolder.map { CubinCache(folder: $0) }
    }

    deinit {
        guard (try? device.enter()) != nil else { return }
        state.withLock { state in
            for module in state.modules.values {
                _ = device.driver.cuModuleUnload(UnsafeMutableRawPointer(bitPattern: module))
            }
        }
    }

    /// Has a program on the device before one of its kernels is needed.
    func load(_ program: KernelSource) throws(TensorError) {
        let outcome: Result<Void, TensorError> = state.withLock { state in
            do throws(TensorError) {
                _ = try module(program, &state)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// The kernel `name` of a program; `sharedBytes` above what every device gives are asked for once.
    func kernel(_ program: KernelSource, _ name: String, sharedBytes: Int) throws(TensorError)
        -> UnsafeMutableRawPointer
    {
        let outcome: Result<UInt, TensorError> = state.withLock { state in
            do throws(TensorError) {
                if let known = state.functions[name] { return .success(known) }
                let module = try module(program, &state)
                var function: UnsafeMutableRawPointer?
                try device.check(
                    device.driver.cuModuleGetFunction(&function, module, name), "cuModuleGetFunction(\(name))")
                if sharedBytes > 0 {
                    try device.check(
                        device.driver.cuFuncSetAttribute(
                            function, Int32(MICA_FUNCTION_SHARED_BYTES), Int32(sharedBytes)),
                        "cuFuncSetAttribute(\(name))")
                }
                state.functions[name] = UInt(bitPattern: function)
                return .success(UInt(bitPattern: function))
            } catch {
                return .failure(error)
            }
        }
        guard let function = UnsafeMutableRawPointer(bitPattern: try outcome.get()) else {
            preconditionFailure("a kernel without an address")
        }
        return function
    }

    private func module(_ program: KernelSource, _ state: inout State) throws(TensorError) -> UnsafeMutableRawPointer? {
        if let known = state.modules[program.name] { return UnsafeMutableRawPointer(bitPattern: known) }
        var unknown: KernelCompiler.Failure?
        for architecture in device.architectures {
            var module = kept(program, architecture)
            if module == nil, let library = device.libraries.compiler {
                let compiler = KernelCompiler(functions: library.functions, version: library.version)
                let output: KernelCompiler.Output
                do throws(KernelCompiler.Failure) {
                    output = try compiler.compile(program, architecture: architecture)
                } catch {
                    guard error.isUnknownArchitecture else { throw failed(error.code, error.log) }
                    unknown = unknown ?? error
                    continue
                }
                module = try load(output, program, architecture)
            }
            guard let module else { continue }
            state.modules[program.name] = UInt(bitPattern: module)
            return module
        }
        if let unknown { throw failed(unknown.code, unknown.log) }
        throw failed(0, "there is no NVRTC here, and no kernels came compiled for \(device.architectures[0])")
    }

    private func failed(_ code: Int, _ problem: String) -> TensorError {
        .device(device: device.name, call: "nvrtcCompileProgram", code: code, problem: problem)
    }

    /// What came compiled, or was compiled before.
    private func kept(_ program: KernelSource, _ architecture: String) -> UnsafeMutableRawPointer? {
        let version = device.libraries.compiler?.version
        let bundled = KernelCompiler.cacheName(program, architecture: architecture, version: nil)
        let key = KernelCompiler.cacheName(program, architecture: architecture, version: version)
        for cubin in [compiled?.read(bundled), version == nil ? nil : cache?.read(key)] {
            // A cubin that ends early, or that the driver refuses, is a damaged file: it is made anew. The driver gets
            // no length and would read beyond the end.
            guard let cubin, CubinImage.isWhole(cubin) else { continue }
            var module: UnsafeMutableRawPointer?
            if cubin.withUnsafeBytes({ device.driver.cuModuleLoadData(&module, $0.baseAddress) }) == 0 {
                return module
            }
        }
        return nil
    }

    private func load(
        _ output: KernelCompiler.Output, _ program: KernelSource, _ architecture: String
    ) throws(TensorError) -> UnsafeMutableRawPointer? {
        var module: UnsafeMutableRawPointer?
        try device.check(
            output.cubin.withUnsafeBytes { device.driver.cuModuleLoadData(&module, $0.baseAddress) },
            "cuModuleLoadData(\(program.name))")
        cache?.write(
            output.cubin,
            KernelCompiler.cacheName(
                program, architecture: architecture, version: device.libraries.compiler?.version))
        return module
    }
}
