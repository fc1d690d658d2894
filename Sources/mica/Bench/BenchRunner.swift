import CPUBackend
import TensorCore

/// Runs one piece of work twice over: on a meter for its arithmetic, and on the backend under test for its time.
enum BenchRunner {
    /// What a benchmark prepares, ready to be run any number of times.
    typealias Work = () throws -> Void

    /// - Parameters:
    ///   - name: the subcommand.
    ///   - parameters: the sizes, by the names of the options.
    ///   - prepare: makes the work on a backend with weights of the source.
    static func run(
        _ name: String, _ options: BenchOptions, parameters: [String: Any],
        prepare: (any Backend, SyntheticSource) throws -> Work
    ) throws -> BenchResult {
        let flops = try floatingPointOperations(options, prepare).flops
        let backend = try options.backend()
        ProcessMemory.resetPeak()
        let work = try prepare(backend, options.source(isFilled: true))
        let times = try BenchTimes(warmup: options.warmup, repetitions: options.repetitions) {
            try work()
            try backend.synchronize()
        }
        return BenchResult(
            work: name, times: times, floatingPointOperations: flops, peakTensorBytes: backend.memory.peakBytes,
            parameters: parameters)
    }

    /// Arithmetic of one run without what it takes to prepare it, and bytes of the weights that it was prepared with.
    static func floatingPointOperations(
        _ options: BenchOptions, _ prepare: (any Backend, SyntheticSource) throws -> Work
    ) throws -> (flops: Int, weightBytes: Int) {
        let meter = Meter()
        let rehearsal = try prepare(meter, options.source(isFilled: false))
        let before = meter.floatingPointOperations
        try rehearsal()
        return (meter.floatingPointOperations - before, meter.weightBytes)
    }
}
