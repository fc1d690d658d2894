import ArgumentParser

/// The command `mica`.
@main
struct Mica: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mica",
        abstract: "Splits a picture into RGBA layers with Qwen-Image-Layered.",
        subcommands: [
            Serve.self, Decompose.self, Recompose.self, Fit.self, Plan.self, Quantize.self, Key.self, Bench.self,
            Devices.self,
        ])
}
