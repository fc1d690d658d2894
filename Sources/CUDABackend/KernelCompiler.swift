import CCUDA

/// NVRTC: CUDA C++ to a cubin of one architecture. Needs no device.
struct KernelCompiler {
    let functions: MicaNVRTC
    /// Of NVRTC.
    let version: String

    /// A cubin and what the assembler says about registers, shared memory and spills.
    struct Output {
        let cubin: [UInt8]
        let log: String
    }

    /// A source that does not compile, or an architecture that this NVRTC does not know.
    struct Failure: Error, CustomStringConvertible {
        let program: String
        let architecture: String
        let code: Int
        let log: String

        /// True if this NVRTC is older than the architecture: its option is of no value that it knows.
        var isUnknownArchitecture: Bool { code == MICA_NVRTC_INVALID_OPTION }

        var description: String { "\(program) for \(architecture): NVRTC answered \(code): \(log)" }
    }

    private static let options = ["--std=c++17", "--ptxas-options=-v", "-diag-suppress=177"]

    /// A file name that tells architecture, source, options and the compiler's version apart; without a version, for
    /// kernels that come compiled, the compiler is whatever it was.
    static func cacheName(_ program: KernelSource, architecture: String, version: String?) -> String {
        // FNV-1a over all that makes the cubin.
        let text = program.text + Self.options.joined()
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let compiler = version.map { "-nvrtc\($0)" } ?? ""
        return "\(program.name)-\(architecture)\(compiler)-\(String(hash, radix: 16)).cubin"
    }

    /// `architecture` is `sm_90` and the like: for `compute_90` the assembler would not check the result.
    func compile(_ program: KernelSource, architecture: String) throws(Failure) -> Output {
        var handle: UnsafeMutableRawPointer?
        func check(_ code: Int32, _ log: String? = nil) throws(Failure) {
            guard code != 0 else { return }
            throw Failure(
                program: program.name, architecture: architecture, code: Int(code), log: log ?? "no explanation")
        }
        try check(functions.nvrtcCreateProgram(&handle, program.text, "\(program.name).cu", 0, nil, nil))
        defer { _ = functions.nvrtcDestroyProgram(&handle) }
        let options = ["--gpu-architecture=\(architecture)"] + Self.options
        let code = withCStrings(options) { functions.nvrtcCompileProgram(handle, Int32(options.count), $0) }
        var logBytes = 0
        try check(functions.nvrtcGetProgramLogSize(handle, &logBytes))
        var log = [CChar](repeating: 0, count: max(logBytes, 1))
        try check(functions.nvrtcGetProgramLog(handle, &log))
        let text = String(decoding: log.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        try check(code, text)
        var cubinBytes = 0
        try check(functions.nvrtcGetCUBINSize(handle, &cubinBytes))
        var cubin = [CChar](repeating: 0, count: cubinBytes)
        try check(functions.nvrtcGetCUBIN(handle, &cubin))
        return Output(cubin: cubin.map { UInt8(truncatingIfNeeded: $0) }, log: text)
    }

    private func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        let bytes = strings.flatMap { Array($0.utf8CString) }
        return bytes.withUnsafeBufferPointer { buffer in
            var start = 0
            let pointers: [UnsafePointer<CChar>?] = strings.map { string in
                defer { start += string.utf8.count + 1 }
                return buffer.baseAddress.map { $0 + start }
            }
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
