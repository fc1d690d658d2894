import ArgumentParser
import TensorCore

/// `mica bench attention`: attention alone, all tokens with all.
struct BenchAttention: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attention", abstract: "Attention alone, all tokens with all.")

    @Option(help: "Tokens.")
    var tokens = 8256

    @Option(help: "Attention heads.")
    var heads = 24

    @Option(help: "Elements of a head.")
    var headSize = 128

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--tokens", tokens, 1...1_000_000)
        try OptionRange.check("--heads", heads, 1...1024)
        try OptionRange.check("--head-size", headSize, 1...1024)
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        let parameters = ["tokens": tokens, "heads": heads, "head_size": headSize]
        let result = try BenchRunner.run("attention", options, parameters: parameters) { backend, _ in
            let shape: Shape = [tokens, heads * headSize]
            let query = try SyntheticValues.tensor(shape, on: backend)
            let key = try SyntheticValues.tensor(shape, on: backend)
            let value = try SyntheticValues.tensor(shape, on: backend)
            let output = try backend.empty(shape)
            let layout = AttentionLayout(heads: heads, headSize: headSize)
            return { try backend.attention(query, key, value, layout, into: output) }
        }
        try result.show(options)
    }
}
