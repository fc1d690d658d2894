import ArgumentParser

/// `mica bench`: how long parts of the engine take on this machine.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures parts of the engine, with synthetic weights unless a model is named.",
        discussion: """
            Sizes default to those of the published model. A table is printed, or JSON with --json. Peak memory is \
            that of the process, so one process measures one thing.
            """,
        subcommands: [
            BenchBlock.self, BenchAttention.self, BenchVAE.self, BenchText.self, BenchDecompose.self, BenchEncode.self,
            BenchScaling.self, BenchLinear.self, BenchQuality.self, BenchPlan.self, BenchDenoise.self, BenchSynth.self,
            BenchFit.self,
        ])
}
