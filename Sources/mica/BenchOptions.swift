import ArgumentParser
import CPUBackend

/// What all benchmarks have in common.
struct BenchOptions: ParsableArguments {
    @Option(help: "Type of the weights and of matrix products: f32, bf16 or int8.")
    var dtype: BenchDType = .bf16

    @Option(help: "Threads to compute with; all processors if not given.")
    var threads: Int?

    @Option(help: ArgumentHelp("Runs before the measured ones.", valueName: "n"))
    var warmup = 1

    @Option(help: ArgumentHelp("Measured runs.", valueName: "n"))
    var repetitions = 5

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try BenchOptions.check("--threads", threads ?? 1, 1...1024)
        try BenchOptions.check("--warmup", warmup, 0...1000)
        try BenchOptions.check("--repetitions", repetitions, 1...100_000)
    }

    /// The backend under test. Throws for a type in which it does not compute.
    func backend() throws -> CPUBackend {
        guard let precision = dtype.precision else {
            throw ValidationError("--dtype \(dtype.rawValue) is not computed on this backend; take f32 or bf16")
        }
        return CPUBackend(threads: threads, precision: precision)
    }

    /// Throws a message for the user unless a size is within its range.
    static func check(_ option: String, _ value: Int, _ range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw ValidationError("\(option) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
    }
}
