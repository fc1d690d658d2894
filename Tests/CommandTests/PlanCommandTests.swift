import Foundation
import TensorCore
import Testing

/// `mica plan` and `mica bench plan` from the outside.
@Suite struct PlanCommandTests {
    private static func plan(_ folder: TemporaryFolder, _ options: [String]) throws -> MicaProcess {
        try MicaProcess(
            ["plan", "--prompt", "A poster.", "--layers", "2", "--steps", "50"] + options,
            environment: ["XDG_CACHE_HOME": folder.url.path])
    }

    private static func object(_ run: MicaProcess) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    /// A job that fits, one that fits in tiles only, one that fits in no way: said in words, in JSON and by the status.
    @Test func saysWhatFits() throws {
        let folder = try TemporaryFolder()
        let free = try Self.plan(folder, ["--resolution", "640", "--json"])
        #expect(free.status == 0, "\(free.errors)")
        let whole = try Self.object(free)
        #expect(whole["fits"] as? Bool == true && whole["plan"] as? String == "resident")
        let bytes = try #require(whole["peak_tensor_bytes"] as? Int)
        let stages = try #require(whole["stages"] as? [[String: Any]]).compactMap { $0["stage"] as? String }
        #expect(stages == ["encode_prompt", "encode_image", "modulation", "denoise", "decode", "finish"])
        #expect(try #require(whole["seconds"] as? Double) > 0)

        let tight = try Self.object(
            try Self.plan(folder, ["--resolution", "640", "--json", "--budget", "\(bytes - 1)"]))
        #expect(tight["fits"] as? Bool == true)
        let ways = try #require(tight["plans"] as? [[String: Any]])
        #expect(ways.count > 1 && (ways[0]["reason"] as? String)?.contains("more than") == true)

        let none = try Self.plan(folder, ["--resolution", "640", "--budget", "1MiB"])
        #expect(none.status == 1 && none.output.contains("does not fit within 1.0 MiB"))
        #expect(none.errors.isEmpty)
    }

    /// The least that is said to be enough is enough.
    @Test func theLeastIsEnough() throws {
        let folder = try TemporaryFolder()
        let none = try Self.object(try Self.plan(folder, ["--resolution", "256", "--json", "--budget", "1MiB"]))
        let least = try #require(none["smallest_bytes"] as? Int)
        let enough = try Self.plan(folder, ["--resolution", "256", "--json", "--budget", "\(least)"])
        #expect(enough.status == 0)
        let short = try Self.plan(folder, ["--resolution", "256", "--json", "--budget", "\(least - 1)"])
        #expect(short.status == 1)
    }

    /// A stream needs at least what it does when it keeps no block, also where not even the model can be opened.
    @Test func theLeastOfAStream() throws {
        let folder = try TemporaryFolder()
        let errors = try ["stream", "stream:0"].map {
            try Self.plan(folder, ["--offload", $0, "--budget", "16B"]).errors
        }
        #expect(errors[0].contains("at least") && errors[0] == errors[1].replacing("stream:0", with: "stream"))
    }

    /// The built-in model goes by its name too.
    @Test func theBuiltInModelHasAName() throws {
        let folder = try TemporaryFolder()
        let options = ["--resolution", "64", "--json", "--device", "cuda:0"]
        let named = try Self.plan(folder, options + ["--model", "seedling"])
        #expect(try named.status == 0 && named.output == Self.plan(folder, options).output)
    }

    /// A card that is not there is forecast by published figures: everything goes to it, through its link.
    @Test func absentCardsAreForecast() throws {
        let folder = try TemporaryFolder()
        let plan = try Self.object(
            try Self.plan(folder, ["--resolution", "256", "--json", "--device", "cuda:0", "--budget", "8GiB"]))
        #expect(plan["rates"] as? String == "published" && plan["device"] as? String == "cuda:0")
        #expect(plan["precision"] as? String == "bfloat16")
        let stages = try #require(plan["stages"] as? [[String: Any]])
        #expect(stages.allSatisfy { $0["shared_weight_bytes"] as? Int == 0 })
        #expect(stages.contains { ($0["held_weight_bytes"] as? Int ?? 0) > 1 << 20 })
    }

    /// Such a card holds no more than it has, and fewer bits where they are asked for.
    @Test func absentCardsHaveTheirMemoryAndForm() throws {
        let folder = try TemporaryFolder()
        func plan(_ options: [String]) throws -> [String: Any] {
            try Self.object(try Self.plan(folder, ["--resolution", "256", "--json", "--device", "cuda:0"] + options))
        }
        func weights(_ plan: [String: Any], _ name: String = "denoise") throws -> Int {
            let stages = try #require(plan["stages"] as? [[String: Any]])
            let stage = try #require(stages.first { $0["stage"] as? String == name })
            return try #require(stage["held_weight_bytes"] as? Int)
        }
        let usual = try plan([])
        let whole = try weights(usual)
        #expect(usual["budget_bytes"] as? Int == 24_564 << 20)
        #expect(try plan(["--gpu", "rtx3060"])["budget_bytes"] as? Int == 12_288 << 20)
        var before = whole
        for precision in ["fp8", "int4"] {
            let held = try weights(plan(["--precision", precision]))
            #expect(held < before, "\(precision)")
            before = held
        }
        // A component at a time, so that each stage holds its own weights alone.
        func turns(_ precision: String?) throws -> [Int] {
            let options = precision.map { ["--precision", $0] } ?? []
            let plan = try plan(["--offload", "model", "--prompt", "a"] + options)
            return [try weights(plan, "encode_prompt"), try weights(plan)]
        }
        let (stored, int4, fp8) = (try turns(nil), try turns("int4"), try turns("fp8"))
        #expect(try turns("text_encoder=int4") == [int4[0], stored[1]])
        #expect(try turns("text_encoder=int4,transformer=fp8") == [int4[0], fp8[1]])
        let words = try Self.plan(folder, ["--device", "cuda:0", "--gpu", "h100"]).output
        #expect(words.contains("published of an H100") && words.contains("of the model's files in the page cache"))
    }

    /// The host's budget is about what the process itself holds, and a refusal by it does not blame the device.
    @Test func aHostBudgetIsTheHosts() throws {
        let folder = try TemporaryFolder()
        let options = ["--resolution", "256", "--device", "cuda:0", "--host-budget"]
        #expect(try Self.plan(folder, options + ["64MiB"]).status == 0)
        let tight = try Self.plan(folder, options + ["64KiB"])
        #expect(tight.status == 1 && tight.output.contains("does not fit on the host"), "\(tight.output)")
        #expect(tight.output.contains("on the host, more than 64.0 KiB"))
        let least = try #require(
            try Self.object(try Self.plan(folder, options + ["64KiB", "--json"]))["smallest_host_bytes"] as? Int)
        #expect(tight.output.contains("within 64.0 KiB: the least is \(ByteCount(roundedUp: least))"))
        #expect(try Self.plan(folder, options + ["\(least)"]).status == 0)
        #expect(try Self.plan(folder, options + ["\(least - 1)"]).status == 1)
    }

    /// What was measured is kept, said with its date, and measured again when that is asked for.
    @Test func ratesAreKeptAndTakenAnew() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("mica/rates.json")
        let options = ["--resolution", "64"]
        let first = try Self.plan(folder, options)
        #expect(first.status == 0 && first.output.contains("kept in \(file.path)"), "\(first.output)\(first.errors)")
        let kept = try String(contentsOf: file, encoding: .utf8)
        let old = kept.replacing(/"measured_at" : "[^"]*"/, with: "\"measured_at\" : \"2001-02-03T04:05:06Z\"")
        #expect(old != kept)
        // Tests run beside each other, so that it may say so.
        let quiet = old.replacing(/"disturbed_share" : [0-9.e-]*,/, with: "")
        try Data(quiet.utf8).write(to: file)
        #expect(try Self.plan(folder, options).output.contains("measured 2001-02-03T04:05:06Z"))
        let anew = try Self.plan(folder, options + ["--measure"])
        #expect(anew.status == 0 && anew.output.contains("rates: measured") && !anew.output.contains("2001-02-03"))
        let published = try Self.plan(folder, options + ["--device", "cuda:0", "--measure"])
        #expect(published.status == 64 && published.errors.contains("--measure goes with --device cpu"))
        // Before the model is looked for.
        let early = try Self.plan(folder, ["--device", "cuda:0", "--measure", "--model", "/nonexistent"])
        #expect(early.status == 64)
    }

    /// A link stays one, and what is no file is written to and not replaced.
    @Test func chartsGoWhereTheyAreSent() throws {
        let folder = try TemporaryFolder()
        // A card's published speed is the same each time, and so are the charts.
        let options = ["plan", "--resolution", "64", "--prompt", "A poster.", "--device", "cuda:0"]
        let environment = ["XDG_CACHE_HOME": folder.url.path]
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("link.svg"), withDestinationPath: folder.path("real.svg"))
        try Data("old".utf8).write(to: URL(fileURLWithPath: folder.path("real.svg")))
        let linked = try MicaProcess(options + ["--chart", folder.path("link.svg")], environment: environment)
        #expect(linked.status == 0, "\(linked.errors)")
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("link.svg")).hasSuffix("real.svg"))
        #expect(try folder.data("real.svg").starts(with: Data("<svg".utf8)))
        // A card's bars are of the card's memory; what the host holds is said beside them.
        let drawn = try String(contentsOfFile: folder.path("real.svg"), encoding: .utf8)
        #expect(drawn.contains("host: ") && drawn.contains("RTX 4090") && !drawn.contains("mapped checkpoint"))
        let piped = try MicaProcess(
            options + ["--chart", folder.path("pipe")], environment: environment,
            shell: "cd '\(folder.url.path)'; mkfifo pipe; cat pipe > got.svg & \"$0\" \"$@\"; code=$?; "
                + "[ -p pipe ] && wait; exit $code")
        #expect(piped.status == 0 && piped.output.contains("fits"), "\(piped.errors)")
        #expect(try folder.data("got.svg") == folder.data("real.svg"))
        let printed = try MicaProcess(options + ["--chart", "/dev/stdout"], environment: environment)
        #expect(printed.output.hasPrefix("<svg") && printed.output.contains("fits"))
        // What other commands do not take for standard output either; known before the work, as a folder that is not
        // there.
        for (chart, expected) in [("-", "name a file, or /dev/stdout"), (folder.path("no/x.svg"), "does not exist")] {
            let run = try MicaProcess(
                options + ["--chart", chart], environment: environment,
                shell: "cd '\(folder.url.path)'; exec \"$0\" \"$@\" --model '\(MicaProcess.fixtures.path)/nothing'")
            #expect(run.status == 1 && run.errors.contains(expected), "\(run.errors)")
        }
        #expect(try !folder.contents().contains("-"))
    }

    @Test func drawsAChart() throws {
        let folder = try TemporaryFolder()
        let chart = folder.url.appendingPathComponent("plan.svg")
        let run = try Self.plan(folder, ["--resolution", "640", "--budget", "2GiB", "--chart", chart.path])
        #expect(run.status == 0, "\(run.errors)")
        let svg = try String(contentsOf: chart, encoding: .utf8)
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.contains("denoise") && svg.contains("budget 2.0 GiB"))
        #expect(svg.components(separatedBy: "<text").count == svg.components(separatedBy: "</text>").count)
    }

    /// Forecast and measurement of a small job agree to the byte on the device, and within a tenth for the process.
    @Test func forecastsAreMeasured() throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(
            ["bench", "plan", "--resolution", "128", "--layers", "1", "--steps", "1", "--json"],
            environment: ["XDG_CACHE_HOME": folder.url.path])
        #expect(run.status == 0, "\(run.errors)")
        let report = try Self.object(run)
        #expect(report["forecast_tensors_bytes"] as? Int == report["measured_tensors_bytes"] as? Int)
        // A sanitizer has memory of its own.
        guard !MicaProcess.isSanitized else { return }
        let forecast = try #require(report["forecast_process_bytes"] as? Int)
        let measured = try #require(report["measured_process_bytes"] as? Int)
        #expect(abs(forecast - measured) * 10 <= measured, "\(ByteCount(forecast)), not \(ByteCount(measured))")
    }
}
