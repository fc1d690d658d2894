import ArgumentParser
import CUDABackend
import Foundation
import HostLimits
import TensorCore

/// `mica devices`: what can compute here, and why the rest cannot.
struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the devices that can compute here.",
        discussion: """
            CUDA is found at run time: the driver with its libcuda.so.1, NVRTC, and, for speed, cuBLASLt and cuDNN, in
            the system's folders, in LD_LIBRARY_PATH, in the folders of Python's nvidia packages, or where
            --cuda-libraries or MICA_CUDA_LIBRARIES says.
            """)

    @Option(help: ArgumentHelp("Look for NVIDIA's libraries here first.", valueName: "folder"))
    var cudaLibraries: String?

    @Flag(help: "Compile every kernel for every architecture, without a device, and show registers and spills.")
    var checkKernels = false

    @Option(
        name: .customLong("architecture"), parsing: .singleValue,
        help: ArgumentHelp("With --check-kernels: for these alone.", valueName: "sm_NN"))
    var architectures: [String] = []

    @Option(help: ArgumentHelp("With --check-kernels: put the compiled kernels here.", valueName: "folder"))
    var compiledKernels: String?

    func run() throws {
        if checkKernels { return try check() }
        try StandardOutput.print("cpu:0   \(ProcessorCount.available) processors")
        for line in gpus() { try StandardOutput.print(line) }
    }

    /// A line for each, and for what was found of the libraries; or why there are none.
    private func gpus() -> [String] {
        do throws(CUDAUnavailable) {
            let libraries = try CUDALibraries(folder: cudaLibraries)
            return (0..<libraries.deviceCount).flatMap { Self.lines(libraries, $0) }
                + libraries.findings.map { "        \($0)" }
        } catch {
            return [error.description]
        }
    }

    /// A device and its memory, and what it cannot use.
    private static func lines(_ libraries: CUDALibraries, _ index: Int) -> [String] {
        do {
            var options = CUDABackend.Options()
            options.kernelCache = nil
            let backend = try CUDABackend(libraries, index: index, options: options)
            let memory = try backend.driverMemory()
            let line =
                "cuda:\(index)  \(backend.model), \(ByteCount(memory.totalBytes)),"
                + " \(ByteCount(memory.totalBytes - memory.usedBytes)) free"
            return [line] + backend.problems.map { "        \($0)" }
        } catch {
            return ["cuda:\(index)  \(error)"]
        }
    }

    private func check() throws {
        let wanted = architectures.isEmpty ? KernelReport.architectures : architectures
        do {
            let reports = try KernelReport.all(
                for: wanted, libraries: cudaLibraries, into: compiledKernels.map { URL(fileURLWithPath: $0) })
            try StandardOutput.print(KernelTable(reports).text)
        } catch {
            CommandFailure.report("\(error)")
            throw ExitCode(1)
        }
    }
}

/// Registers, shared memory and spills, a line a kernel, a column an architecture.
struct KernelTable {
    private let reports: [KernelReport]

    init(_ reports: [KernelReport]) {
        self.reports = reports
    }

    /// `registers`, `registers/shared` or `registers/shared!spilled` in each cell.
    var text: String {
        var architectures: [String] = []
        var kernels: [String] = []
        for report in reports {
            if !architectures.contains(report.architecture) { architectures.append(report.architecture) }
            if !kernels.contains(report.kernel) { kernels.append(report.kernel) }
        }
        var rows = [["registers/shared bytes!spilled bytes"] + architectures]
        for kernel in kernels.sorted() {
            rows.append(
                [kernel]
                    + architectures.map { architecture in
                        reports.first { $0.kernel == kernel && $0.architecture == architecture }.map(Self.cell) ?? ""
                    })
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let spilled = reports.filter { $0.spilledBytes > 0 }.count
        return rows.map { row in
            zip(row, widths).map { $0.padding(toLength: $1 + 2, withPad: " ", startingAt: 0) }.joined()
        }.joined(separator: "\n")
            + "\n\(kernels.count) kernels, \(architectures.count) architectures, \(spilled) of \(reports.count) spill"
    }

    private static func cell(_ report: KernelReport) -> String {
        "\(report.registers)" + (report.sharedBytes > 0 ? "/\(report.sharedBytes)" : "")
            + (report.spilledBytes > 0 ? "!\(report.spilledBytes)" : "")
    }
}
