import ArgumentParser
import Foundation
import TensorCore

/// `mica bench synth`: a model folder of the published shapes without the published weights.
struct BenchSynth: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synth", abstract: "Writes a synthetic model folder.",
        discussion: """
            Names, shapes and files are those of the public layout. The weights are holes in the files, which read as
            zeros and take no room on most file systems, or random numbers with --random. What it makes of pictures
            shows nothing: it is for measuring memory and speed.
            """)

    /// What elements are stored as.
    enum Precision: String, CaseIterable, ExpressibleByArgument {
        case bf16
        case f32

        var dtype: DType { self == .bf16 ? .bfloat16 : .float32 }
    }

    @Argument(help: ArgumentHelp("The folder, which must not exist or be empty.", valueName: "folder"))
    var folder: String

    @Option(help: "full (the published sizes), mid or tiny.")
    var size: SyntheticModel.Size = .full

    @Option(help: "Type of the weights: bf16 or f32.")
    var precision: Precision = .bf16

    @Flag(help: "Write random numbers instead of holes.")
    var random = false

    func run() throws {
        try CommandFailure.reporting {
            let url = URL(fileURLWithPath: folder)
            let present = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
            guard present.isEmpty else {
                throw CommandError.cannotWrite(path: folder, reason: "the folder is not empty")
            }
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            let checkpoint = SyntheticCheckpoint(
                model: SyntheticModel(size: size), dtype: precision.dtype, isRandom: random)
            let summary = try checkpoint.write(to: url)
            try StandardOutput.print(
                "\(summary.tensors) tensors, \(ByteCount(summary.bytes)), in \(summary.files) files: \(folder)")
        }
    }
}

extension SyntheticModel.Size: ExpressibleByArgument {}
