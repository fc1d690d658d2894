import Foundation
import Testing

/// `mica bench synth`, `mica bench denoise` and the options of where weights live, from the outside.
@Suite struct OffloadCommandTests {
    /// A model of the smallest size with random weights.
    private static func model(_ folder: TemporaryFolder, _ options: [String] = ["--random"]) throws -> String {
        let path = folder.url.appendingPathComponent("model").path
        let run = try MicaProcess(["bench", "synth", path, "--size", "tiny"] + options)
        #expect(run.status == 0, "\(run.errors)")
        return path
    }

    private static func denoise(_ model: String, _ options: [String]) throws -> [String: Any] {
        let run = try MicaProcess(
            ["bench", "denoise", "--model", model, "--resolution", "64", "--layers", "1", "--json", "--threads", "1"]
                + options)
        #expect(run.status == 0, "\(run.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    private static func decompose(_ model: String, _ folder: TemporaryFolder, _ options: [String]) throws -> MicaProcess
    {
        try MicaProcess(
            [
                "decompose", "docs/poster.png", "--model", model, "-o",
                folder.url.appendingPathComponent("out.zip").path,
                "--resolution", "64", "--layers", "1", "--steps", "1", "--seed", "1", "--quiet", "--json",
            ] + options)
    }

    /// The loop's figures; the same numbers come out under every plan, and more memory means fewer bytes.
    @Test func denoisingSaysWhatItMoves() throws {
        let folder = try TemporaryFolder()
        let model = try Self.model(folder)
        let whole = try Self.denoise(model, ["--offload", "resident"])
        let sum = try #require(whole["latents_sum"] as? Double)
        #expect(sum.isFinite && sum != 0)
        var read: [Int] = []
        for options in [["--offload", "sequential"], ["--offload", "stream:2"], ["--offload", "stream"]] {
            let report = try Self.denoise(model, options)
            #expect(report["latents_sum"] as? Double == sum)
            let steps = try #require(report["step_figures"] as? [[String: Any]])
            #expect(steps.count == 2)
            read.append(try #require(steps[1]["read_bytes"] as? Int))
            #expect(try #require(report["peak_tensor_bytes"] as? Int) > 0)
            #expect(try #require(report["peak_resident_bytes"] as? Int) > 0)
            #expect(
                (report["stages"] as? [[String: Any]])?.compactMap { $0["stage"] as? String }
                    == ["encode_prompt", "modulation", "denoise"])
        }
        #expect(read[0] > read[1] && read[1] > read[2] && read[2] == 0)
    }

    /// Holes in files take no room, and a whole job runs on them and says where its weights were.
    @Test func holesAreEnoughForAWholeJob() throws {
        let folder = try TemporaryFolder()
        let model = try Self.model(folder, [])
        let file = model + "/transformer/diffusion_pytorch_model.safetensors"
        let blocks = try FileManager.default.attributesOfItem(atPath: file)
        #expect(try #require(blocks[.size] as? Int) > 1 << 20)
        let run = try Self.decompose(model, folder, ["--offload", "stream:1"])
        #expect(run.status == 0, "\(run.errors)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let memory = try #require(object["memory"] as? [String: Any])
        #expect(memory["plan"] as? String == "stream:1")
        let stages = try #require(memory["stages"] as? [[String: Any]])
        #expect(
            stages.compactMap { $0["stage"] as? String } == [
                "encode_prompt", "encode_image", "modulation", "denoise", "decode",
            ])
        #expect((memory["steps"] as? [[String: Any]])?.count == 1)
    }

    /// What cannot be is said in one line, with what would do.
    @Test(arguments: [
        (["--budget", "100KiB"], "too little for any plan: at least"),
        (["--budget", "lots"], "is no size of memory"),
        (["--device", "cuda:7"], "there is no device cuda:7"), (["--device", "tpu"], "'tpu' is no device"),
        (["--offload", "cloud"], "'cloud' is no way to place weights"),
        (["--device-map", #"{"text_encoder": "cpu", "vae": "cpu"}"#], "leaves out blocks 0-5 of transformer."),
        (["--device-map", "text_encoder=cpu,vae=cpu,transformer=cpu,vae=cpu"], "vae is named twice"),
        (["--device-map", #"{"text_encoder": "cpu""#], "is not a JSON object"),
        (["--device-map", "nowhere.json"], "there is no such file"),
    ])
    func badOptionsAreRefused(_ options: [String], _ part: String) throws {
        let folder = try TemporaryFolder()
        let run = try Self.decompose(try Self.model(folder, []), folder, options)
        #expect(run.status == 1)
        #expect(run.errors.contains(part), "\(run.errors)")
        #expect(run.errors.split(separator: "\n").count == 1)
    }

    @Test func aFolderThatIsNotEmptyIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        let model = try Self.model(folder, [])
        let run = try MicaProcess(["bench", "synth", model, "--size", "tiny"])
        #expect(run.status == 1 && run.errors.contains("the folder is not empty"))
    }
}
