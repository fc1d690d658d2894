import Foundation
import Testing

/// Pictures and layers that come from pipes.
@Suite struct InputCommandTests {
    @Test(arguments: ["-", "/dev/stdin", "pipe"])
    func aPictureFromAPipe(_ source: String) throws {
        let folder = try TemporaryFolder()
        let name = source == "pipe" ? folder.path("pipe") : source
        let arguments = DecomposeCommandTests.quick.map { $0 == DecomposeCommandTests.picture ? name : $0 }
        let feed = "cat '\(DecomposeCommandTests.picture)'"
        let run = try MicaProcess(
            arguments + ["-o", folder.path("out.psd"), "--quiet"],
            shell: source == "pipe"
                ? "mkfifo '\(name)'; \(feed) > '\(name)' & \"$0\" \"$@\"" : "\(feed) | \"$0\" \"$@\"")
        #expect(run.status == 0, "\(run.errors)")
        let flat = try MicaProcess(
            ["recompose", source == "pipe" ? "-" : source, "-o", folder.path("flat.png")],
            shell: "cat '\(folder.path("out.psd"))' | \"$0\" \"$@\"")
        #expect(flat.status == 0, "\(flat.errors)")
        #expect(try folder.contents().contains("flat.png"))
    }

    /// Noise in another shape than the packed one would fit by its number of values, and give other layers.
    @Test(
        arguments: [
            ([1, 48, 64], "F32", nil), ([48, 64], "BF16", nil), ([1, 3, 16, 8, 8], "F32", "[images, tokens, 64]"),
            ([1, 64, 48], "F32", "[1, 64, 48]"), ([1, 48, 64], "F64", "float64"), ([1, 40, 64], "F32", "[1, 48, 64]"),
        ] as [([Int], String, String?)])
    func noiseOfAnotherShapeIsRefused(_ shape: [Int], _ dtype: String, _ refusal: String?) throws {
        let folder = try TemporaryFolder()
        let width = ["F64": 8, "F32": 4, "BF16": 2][dtype] ?? 0
        let byteCount = shape.reduce(width, *)
        let header = Data(
            #"{"latents":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[0,\#(byteCount)]}}"#.utf8)
        let length = Data((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
        try (length + header + Data(count: byteCount))
            .write(to: URL(fileURLWithPath: folder.path("noise.safetensors")))
        let run = try MicaProcess(
            DecomposeCommandTests.quick + [
                "-o", folder.path("out.zip"), "--quiet", "--latents", folder.path("noise.safetensors"),
            ])
        #expect(run.status == (refusal == nil ? 0 : 1), "\(run.errors)")
        if let refusal { #expect(run.errors.contains(refusal), "\(run.errors)") }
    }

    /// `--prompt="$X"` with an empty X: the picture that follows is no prompt.
    @Test(arguments: [["--prompt=", "--negative-prompt="], ["--negative-prompt="]])
    func emptyValuesAreValues(_ options: [String]) throws {
        let folder = try TemporaryFolder()
        let (command, others) = (DecomposeCommandTests.quick.prefix(1), DecomposeCommandTests.quick.dropFirst())
        let run = try MicaProcess(command + options + others + ["-o", folder.path("out.psd"), "--quiet"])
        #expect(run.status == 0, "\(run.errors)")
        // `--quiet` takes no value, and what follows the end of options is a file.
        #expect(try MicaProcess(["decompose", "--quiet="]).status == 64)
        #expect(try MicaProcess(["recompose", "-o", "-", "--", "--x="]).errors.contains("--x="))
    }

    @Test(arguments: [("/dev/null", "empty"), ("/tmp", "it is a folder"), ("-", "empty")])
    func whatIsNoPicture(_ source: String, _ expected: String) throws {
        let folder = try TemporaryFolder()
        let arguments = DecomposeCommandTests.quick.map { $0 == DecomposeCommandTests.picture ? source : $0 }
        let run = try MicaProcess(arguments + ["-o", folder.path("out")])
        #expect(run.status == 1 && run.errors.contains(expected), "\(run.errors)")
        #expect(try folder.contents().isEmpty)
    }
}
