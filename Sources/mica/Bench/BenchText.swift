import ArgumentParser
import Foundation
import HostLimits
import QwenImage
import TensorCore

/// `mica bench text`: decoder layers of the text encoder with the final norm.
struct BenchText: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text", abstract: "Decoder layers of the text encoder, over a prompt or token by token.")

    enum Mode: String, CaseIterable, ExpressibleByArgument {
        case prefill
        case decode
    }

    @Option(help: "Decoder layers.")
    var layers = 4

    @Option(help: "Tokens of the prompt.")
    var tokens = 512

    @Option(help: "prefill, the whole prompt at once, or decode, one token after it.")
    var mode: Mode = .prefill

    @Option(help: "Features of a token.")
    var hidden = 3584

    @Option(help: "Features inside of the feed-forward part.")
    var intermediate = 18_944

    @Option(help: "Heads of the queries.")
    var heads = 28

    @Option(help: "Heads of keys and values.")
    var keyHeads = 4

    @Option(help: "Bytes of the buffer that tells the memory's speed beside decode, in MiB.")
    var bandwidthBuffer = 1024

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--layers", layers, 1...1000)
        try OptionRange.check("--tokens", tokens, 1...100_000)
        try OptionRange.check("--hidden", hidden, 2...65_536)
        try OptionRange.check("--intermediate", intermediate, 1...262_144)
        try OptionRange.check("--heads", heads, 1...1024)
        try OptionRange.check("--key-heads", keyHeads, 1...heads)
        try OptionRange.check("--bandwidth-buffer", bandwidthBuffer, 1...65_536)
        guard hidden.isMultiple(of: 2 * heads), heads.isMultiple(of: keyHeads) else {
            throw ValidationError("--hidden must be an even number for each of --heads, a multiple of --key-heads")
        }
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        let parameters: [String: Any] = [
            "layers": layers, "tokens": tokens, "mode": mode.rawValue, "hidden": hidden, "intermediate": intermediate,
            "heads": heads, "key_heads": keyHeads,
        ]
        var result = try BenchRunner.run("text", options, parameters: parameters, prepare: prepare)
        let tokensOfRun = mode == .prefill ? tokens : 1
        result.figures["tokens_per_second"] = Double(tokensOfRun) / result.times.median
        if mode == .decode {
            let threads = options.threads ?? ProcessorCount.available
            let speed = try MemoryBandwidth.measure(threads: threads, byteCount: bandwidthBuffer << 20)
            let stored = try BenchRunner.floatingPointOperations(options, prepare).weightBytes
            // Quantised weights are made from 16-bit ones when they are loaded.
            let bits = min(options.dtype.precision.dtype.bitCount, options.dtype.weights.bitCount)
            let bytes = Double(stored) * Double(bits) / Double(options.dtype.weights.bitCount)
            result.figures["weight_bytes_per_token"] = bytes
            result.figures["weight_bytes_per_second"] = bytes / result.times.median
            result.figures["memory_bytes_per_second"] = speed
            result.figures["bandwidth_share"] = bytes / result.times.median / speed
        }
        try result.show(options)
    }

    private func prepare(_ backend: any Backend, _ source: SyntheticSource) throws -> BenchRunner.Work {
        let configuration = Qwen25VLTextConfiguration(
            hiddenSize: hidden, intermediateSize: intermediate, layers: layers, heads: heads, keyValueHeads: keyHeads,
            vocabSize: 1)
        let runs = options.warmup + options.repetitions
        let model = try MeasuredTextModel(
            configuration: configuration, capacity: tokens + (mode == .decode ? runs : 0), source: source,
            backend: backend)
        let prompt = try SyntheticValues.tensor([tokens, hidden], on: backend)
        let token = try SyntheticValues.tensor([1, hidden], on: backend)
        let states = try backend.empty(prompt.shape)
        try backend.copy(prompt, into: states)
        if mode == .prefill {
            return {
                try backend.copy(prompt, into: states)
                _ = try model.prefill(states)
            }
        }
        _ = try model.append(states)
        return {
            let state = states.rows(0..<1)
            try backend.copy(token, into: state)
            _ = try model.append(state)
        }
    }
}
