import ArgumentParser
import QwenImage
import TensorCore

/// `mica bench block`: one block of the diffusion transformer, its modulation computed beforehand.
struct BenchBlock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "block", abstract: "One block of the diffusion transformer.")

    @Option(help: "Width of both streams.")
    var hidden = 3072

    @Option(help: "Attention heads.")
    var heads = 24

    @Option(help: "Image tokens.")
    var imageTokens = 1024

    @Option(help: "Text tokens.")
    var textTokens = 64

    @Option(
        help: ArgumentHelp(
            "The rank of a synthetic LoRA on every layer of the block; may be given several times.", valueName: "n"))
    var loraRank: [Int] = []

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--heads", heads, 1...1024)
        try OptionRange.check("--hidden", hidden, 2...65_536)
        try OptionRange.check("--image-tokens", imageTokens, 1...1_000_000)
        try OptionRange.check("--text-tokens", textTokens, 1...1_000_000)
        for rank in loraRank { try OptionRange.check("--lora-rank", rank, 1...4096) }
        guard hidden.isMultiple(of: 2 * heads) else {
            throw ValidationError("--hidden must be an even number for each of --heads")
        }
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        var parameters: [String: Any] = [
            "hidden": hidden, "heads": heads, "image_tokens": imageTokens, "text_tokens": textTokens,
        ]
        if !loraRank.isEmpty { parameters["lora_ranks"] = loraRank }
        let result = try BenchRunner.run("block", options, parameters: parameters) { backend, source in
            source.loraRanks = loraRank
            var configuration = TransformerConfiguration()
            configuration.numAttentionHeads = heads
            configuration.attentionHeadDim = hidden / heads
            let shape: Shape = [textTokens + imageTokens, hidden]
            let block = try MeasuredTransformerBlock(
                configuration: configuration, source: source, backend: backend,
                modulation: try SyntheticValues.tensor([2, 6 * hidden], bound: 0.5, on: backend),
                rotary: try SyntheticValues.rotary(
                    rows: shape[0], headSize: hidden / heads, pairing: .adjacent, on: backend))
            let input = try SyntheticValues.tensor(shape, on: backend)
            let states = try backend.empty(shape)
            return {
                try backend.copy(input, into: states)
                try block(states, textTokens: textTokens)
            }
        }
        try result.show(options)
    }
}
