import ArgumentParser
import CPUBackend
import CUDABackend
import TensorCore

/// What all benchmarks have in common.
struct BenchOptions: ParsableArguments {
    @Option(help: "What the weights are held in: f32, bf16, fp8, int8 or int4.")
    var dtype: BenchDType = .bf16

    @Option(
        name: .customLong("compute"),
        help:
            "What products are computed in: float32, bfloat16 or int8; what suits --dtype if not given.")
    var givenCompute: ComputePrecision?

    @Flag(help: "Rotate fp8, int8 and int4 matrices before they are rounded.")
    var hadamard = false

    /// In what products are computed.
    var compute: ComputePrecision { givenCompute ?? ComputePrecision(for: dtype.precision) }

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @Option(help: "What computes: cpu, or cuda:0 and so on.")
    var device = "cpu"

    @Option(
        help: ArgumentHelp("Device memory to use, such as 4GiB; all that there is if not given.", valueName: "size"))
    var deviceBudget: String?

    @Option(help: ArgumentHelp("Runs before the measured ones.", valueName: "n"))
    var warmup = 1

    @Option(name: .customLong("repetitions"), help: ArgumentHelp("Measured runs; 5, for scaling 1.", valueName: "n"))
    var givenRepetitions: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    /// Measured runs, where nothing else was said.
    private static let usualRepetitions = 5

    /// Measured runs.
    var repetitions: Int { givenRepetitions ?? Self.usualRepetitions }

    func validate() throws {
        try OptionRange.check("--threads", threads ?? 1, 1...1024)
        try OptionRange.check("--warmup", warmup, 0...1000)
        try OptionRange.check("--repetitions", repetitions, 1...100_000)
    }

    /// The weights under test; see `SyntheticSource.isFilled`.
    func source(isFilled: Bool) -> SyntheticSource {
        SyntheticSource(
            dtype: dtype.weights, isFilled: isFilled, form: WeightForm(dtype.precision, isRotated: hadamard))
    }

    /// The backend under test.
    func backend() throws -> any Backend {
        let name = try DeviceName(text: device)
        if name.kind == .cuda {
            var options = CUDABackend.Options()
            options.precision = dtype == .f32 ? .float32 : .bfloat16
            options.countsContext = true
            options.limitBytes = try deviceBudget.map { try ByteCount(text: $0).bytes }
            return try CUDABackend(CUDALibraries.shared(), index: name.index, options: options)
        }
        return CPUBackend(threads: threads, compute: compute)
    }
}
