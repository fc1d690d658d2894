import struct Foundation.URL

/// What the assembler says of one kernel for one architecture.
public struct KernelReport: Sendable, Equatable {
    /// Of the program that the kernel belongs to.
    public let program: String
    public let kernel: String
    /// `sm_90` and the like.
    public let architecture: String
    /// A thread's registers.
    public let registers: Int
    /// Shared memory of a block that the source declares, in bytes.
    public let sharedBytes: Int
    /// Bytes that a thread stores for want of registers.
    public let spilledBytes: Int

    /// Architectures with bfloat16 on their matrix units whose code, together, runs on every card from 8.0 on that
    /// there is; those of a higher minor version run that of a lower one. What is built into a board with ARM cores
    /// alone (`sm_87`, `sm_110`) compiles its own.
    public static let architectures = ["sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]

    /// Compiles all kernels with NVRTC, which needs no driver and no device.
    ///
    /// - Parameters:
    ///   - folder: where libraries are looked for first.
    ///   - target: where the cubins are put, under the names by which `Options.compiledKernels` finds them.
    /// - Throws: why there is no NVRTC, or what it says of a source.
    public static func all(
        for architectures: [String], libraries folder: String? = nil, into target: URL? = nil
    ) throws -> [KernelReport] {
        let library = try CUDALibraries.Compiler(LibrarySearch(folder: folder))
        let compiler = KernelCompiler(functions: library.functions, version: library.version)
        return try architectures.flatMap { architecture in
            try KernelSource.all.flatMap { program in
                let output = try compiler.compile(program, architecture: architecture)
                if let target {
                    CubinCache(folder: target).write(
                        output.cubin, KernelCompiler.cacheName(program, architecture: architecture, version: nil))
                }
                return reports(in: output.log, program: program.name, architecture: architecture)
            }
        }
    }

    /// Reads `Compiling entry function 'norm_8'`, `12 bytes spill stores` and `Used 70 registers, ..., 128 bytes smem`,
    /// in that order, for each kernel.
    static func reports(in log: String, program: String, architecture: String) -> [KernelReport] {
        var reports: [KernelReport] = []
        var kernel: String?
        var spilled = 0
        for line in log.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "," }
            if let quoted = line.split(separator: "'").dropFirst().first, line.contains("Compiling entry function") {
                kernel = String(quoted)
                spilled = 0
            } else if let count = number(before: ["bytes", "spill", "stores"], in: words) {
                spilled = count
            } else if let name = kernel, let registers = number(before: ["registers"], in: words) {
                reports.append(
                    KernelReport(
                        program: program, kernel: name, architecture: architecture, registers: registers,
                        sharedBytes: number(before: ["bytes", "smem"], in: words) ?? 0, spilledBytes: spilled))
                kernel = nil
            }
        }
        return reports
    }

    private static func number(before phrase: [String], in words: [Substring]) -> Int? {
        guard words.count > phrase.count else { return nil }
        for index in 1...(words.count - phrase.count)
        where words[index..<(index + phrase.count)].elementsEqual(
            phrase, by: { $0 == $1 })
        {
            return Int(words[index - 1])
        }
        return nil
    }
}
