import Foundation
import Testing

/// `mica bench` from the outside, at sizes that take no time.
@Suite struct BenchCommandTests {
    /// Arguments of each benchmark, and what its JSON says besides what all say.
    static let cases: [([String], [String])] = [
        (["block", "--hidden", "64", "--heads", "2", "--image-tokens", "6", "--text-tokens", "3"], ["flops"]),
        (["attention", "--tokens", "9", "--heads", "2", "--head-size", "16"], ["gflops_per_second"]),
        (["vae", "--resolution", "16", "--base", "4"], ["peak_tensor_bytes"]),
        (["vae", "--resolution", "16", "--base", "4", "--direction", "encode"], ["peak_tensor_bytes"]),
        (["text", "--tokens", "5", "--layers", "2"] + narrowText, ["tokens_per_second"]),
        (
            ["text", "--tokens", "5", "--layers", "2", "--mode", "decode", "--bandwidth-buffer", "1"] + narrowText,
            ["tokens_per_second", "weight_bytes_per_token", "memory_bytes_per_second", "bandwidth_share"]
        ),
        (
            ["decompose", "--blocks", "1", "--hidden", "128", "--base", "4", "--resolution", "64", "--layers", "1"]
                + ["--steps", "1"], ["peak_tensor_bytes", "flops"]
        ),
        (["encode", "--layers", "1", "--size", "16"], ["file_bytes"]),
        (["encode", "--layers", "1", "--size", "16", "--format", "psd"], ["file_bytes"]),
    ]

    private static let narrowText = ["--hidden", "32", "--intermediate", "48", "--heads", "4", "--key-heads", "2"]
    private static let quick = ["--warmup", "0", "--repetitions", "2", "--threads", "1", "--json"]

    @Test(arguments: cases) func figuresAsJSON(_ arguments: [String], _ keys: [String]) throws {
        let run = try MicaProcess(["bench"] + arguments + Self.quick)
        #expect(run.status == 0, "\(run.errors)")
        let report = try Self.object(run.output)
        #expect(report["bench"] as? String == arguments[0])
        #expect((report["seconds"] as? [Double])?.count == 2)
        let seconds = try ["min_seconds", "median_seconds", "max_seconds"].map { try #require(report[$0] as? Double) }
        #expect(seconds[0] > 0 && seconds == seconds.sorted())
        for key in keys + ["peak_resident_bytes"] {
            #expect(try #require(report[key] as? Double, "\(key)") > 0)
        }
    }

    /// The products, and a little for norms and rotations.
    @Test func arithmeticOfABlock() throws {
        let (tokens, dim) = (9, 64)
        let run = try MicaProcess(["bench"] + Self.cases[0].0 + Self.quick)
        let flops = try #require(try Self.object(run.output)["flops"] as? Int)
        // Query, key, value, output and two layers of four times the width; all tokens with all.
        let products = 2 * tokens * 12 * dim * dim + 4 * tokens * tokens * dim
        #expect(flops >= products && flops < products + 32 * tokens * dim)
    }

    @Test func aTableForPeople() throws {
        let run = try MicaProcess(["bench", "attention", "--tokens", "9", "--heads", "2", "--head-size", "16"])
        #expect(run.status == 0)
        #expect(run.output.contains("median") && run.output.contains("GFLOP/s"))
    }

    @Test func aChartOfScaling() throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(
            ["bench", "scaling", "--layers", "1", "2", "--resolutions", "64", "--blocks", "1", "--hidden", "128"]
                + ["--base", "2", "--chart", folder.path("chart.svg")] + Self.quick)
        #expect(run.status == 0, "\(run.errors)")
        let report = try Self.object(run.output)
        #expect((report["points"] as? [[String: Any]])?.count == 2)
        #expect(try #require(report["worst_step"] as? Double) >= 1)
        let chart = try Data(contentsOf: URL(fileURLWithPath: folder.path("chart.svg")))
        #expect(String(decoding: chart, as: UTF8.self).contains("</svg>"))
    }

    /// What fitting takes is what was told beforehand.
    @Test(.disabled(if: MicaProcess.isSanitized, "a sanitizer has memory of its own"))
    func fittingTakesWhatIsForecast() throws {
        let run = try MicaProcess(
            ["bench", "fit", "--size", "2400", "--layers", "3", "--resolution", "320"] + Self.quick)
        #expect(run.status == 0, "\(run.errors)")
        let report = try Self.object(run.output)
        let forecast = try #require(report["mebibytes_forecast"] as? Double)
        let measured = try #require(report["mebibytes_above_the_picture"] as? Double)
        #expect(abs(forecast - measured) <= measured / 10, "\(forecast), not \(measured) MiB")
    }

    @Test(arguments: [
        ["block", "--hidden", "100", "--heads", "3"], ["text", "--tokens", "0"], ["vae", "--resolution", "17"],
        ["attention", "--dtype", "f8"], ["encode", "--layers", "99"], ["decompose", "--hidden", "100"],
    ]) func sizesThatMakeNoSense(_ arguments: [String]) throws {
        let run = try MicaProcess(["bench"] + arguments)
        #expect(run.status != 0 && run.output.isEmpty && run.errors.contains("--"))
    }

    private static func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }
}
