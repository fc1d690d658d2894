import CPUBackend
import Foundation
import HostLimits
import TensorCore

/// What one benchmark found, for a person or for a program.
struct BenchResult {
    /// The subcommand.
    let work: String
    let times: BenchTimes
    /// Arithmetic of one run; nil where none is counted.
    let floatingPointOperations: Int?
    /// The most bytes of tensors at once; nil where there are none.
    let peakTensorBytes: Int?
    /// The sizes, by the names of the options.
    let parameters: [String: Any]
    /// Figures of this benchmark alone, by their names in JSON.
    var figures: [String: Double] = [:]

    private var rate: Double? { floatingPointOperations.map { Double($0) / times.median / 1e9 } }

    /// Prints the result as asked.
    func show(_ options: BenchOptions) throws {
        try StandardOutput.print(options.json ? try json(options) : text(options))
    }

    private func json(_ options: BenchOptions) throws -> String {
        var object: [String: Any] = [
            "bench": work, "dtype": options.dtype.rawValue,
            "compute": options.compute.rawValue, "threads": threads(options), "warmup": options.warmup,
            "repetitions": options.repetitions, "parameters": parameters, "seconds": times.seconds,
            "median_seconds": times.median, "min_seconds": times.minimum, "max_seconds": times.maximum,
        ]
        object["flops"] = floatingPointOperations
        object["gflops_per_second"] = rate
        object["peak_resident_bytes"] = ProcessMemory.peakResidentBytes
        object["peak_tensor_bytes"] = peakTensorBytes
        for (name, value) in figures { object[name] = value }
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    private func text(_ options: BenchOptions) -> String {
        let sizes = parameters.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        var rows = [
            (
                "\(work)",
                ([
                    "\(options.dtype.rawValue), products in \(options.compute.rawValue)",
                    "\(threads(options)) threads",
                ] + sizes).joined(separator: ", ")
            ),
            ("median", String(format: "%.4f s of %d runs", times.median, options.repetitions)),
            ("spread", String(format: "%.4f to %.4f s", times.minimum, times.maximum)),
        ]
        if let floatingPointOperations, let rate {
            rows.append(
                ("work", String(format: "%.2f GFLOP, %.1f GFLOP/s", Double(floatingPointOperations) / 1e9, rate)))
        }
        if let peakTensorBytes { rows.append(("tensors", "\(ByteCount(peakTensorBytes)) at most")) }
        if let resident = ProcessMemory.peakResidentBytes { rows.append(("process", "\(ByteCount(resident)) at most")) }
        for (name, value) in figures.sorted(by: { $0.key < $1.key }) {
            rows.append((name.replacingOccurrences(of: "_", with: " "), String(format: "%.4g", value)))
        }
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.1 }
            .joined(separator: "\n")
    }

    private func threads(_ options: BenchOptions) -> Int {
        options.threads ?? ProcessorCount.available
    }
}
