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

    @Test(arguments: [("/dev/null", "empty"), ("/tmp", "it is a folder"), ("-", "empty")])
    func whatIsNoPicture(_ source: String, _ expected: String) throws {
        let folder = try TemporaryFolder()
        let arguments = DecomposeCommandTests.quick.map { $0 == DecomposeCommandTests.picture ? source : $0 }
        let run = try MicaProcess(arguments + ["-o", folder.path("out")])
        #expect(run.status == 1 && run.errors.contains(expected), "\(run.errors)")
        #expect(try folder.contents().isEmpty)
    }
}
