import ArgumentParser
import Foundation
import ModelHub
import QwenImage
import TensorCore

/// `mica pull`: a model from a hub to this machine.
struct Pull: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetches a model, such as the published one, from huggingface.co or a mirror.",
        discussion: """
            What has come stays: the same command goes on where it stopped, fetches only what has changed, and ends at \
            once if nothing has. Every file's hash is compared with the hub's list. Afterwards --model takes the \
            repository's name, in every command and without a network. HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HOME \
            and HF_HUB_OFFLINE mean what they mean to huggingface_hub, HTTPS_PROXY and NO_PROXY what they mean to curl.
            """)

    @Argument(help: "OWNER/NAME of a repository, or the address of its page.")
    var repository = RepositoryName.published.description

    @Option(
        help: ArgumentHelp(
            "Where to; if not given, OWNER/NAME in $MICA_MODELS or ~/.local/share/mica/models.", valueName: "folder"))
    var to: String?

    @Option(help: "A branch, a tag or a commit.")
    var revision = "main"

    @OptionGroup var files: PullFileOptions

    @OptionGroup var hub: HubOptions

    @Option(help: "Files that come at the same time.")
    var connections = 4

    @Flag(help: "Hash files that are there, even if they look untouched, and fetch anew what is damaged.")
    var verify = false

    @Flag(help: "List what there is and what would be fetched, and fetch nothing.")
    var dryRun = false

    @Flag(help: "Print one JSON object with what was done.")
    var json = false

    @Flag(help: "Show no progress.")
    var quiet = false

    func validate() throws {
        try OptionRange.check("--connections", connections, 1...32)
    }

    func run() throws {
        let kept = "what has come stays, and the same command goes on from there"
        try CommandFailure.reportingUnlessCancelled(whatIsLeft: kept, pull)
    }

    private func pull(_ cancellation: Cancellation) throws {
        let start = ContinuousClock.now
        let name = try RepositoryName(repository)
        let place = to.map { RealPath.ofEntry($0) } ?? LocalModels().place(name)
        var options = ModelPull.Options(repository: name, folder: place)
        options.revision = revision
        options.selection = files.selection
        options.connections = connections
        options.verifies = verify
        let outlook: ModelPull.Outlook
        do {
            outlook = try fetch(ModelPull(options, at: try hub.address()) { cancellation.isCancelled }, place)
        } catch HubError.cancelled {
            throw PipelineError.cancelled
        }
        let report = PullReport(
            repository: name, folder: place, isNamed: to != nil, isDry: dryRun, outlook: outlook,
            seconds: (ContinuousClock.now - start) / .seconds(1))
        try StandardOutput.print(json ? report.json() : report.text())
    }

    private func fetch(_ work: ModelPull, _ place: String) throws -> ModelPull.Outlook {
        let looking = ByteProgressBar(isShown: !quiet)
        defer { looking.finish() }
        let outlook = try work.look { looking.show("looking at \($0.path)", $0) }
        looking.finish()
        guard !dryRun, !outlook.missing.isEmpty || !isRecorded(place, outlook) else { return outlook }
        let fetching = ByteProgressBar(isShown: !quiet)
        defer { fetching.finish() }
        try work.fetch(outlook) { fetching.show($0.path, $0) }
        return outlook
    }

    /// Whether nothing is left to do, not even to write down that all is there.
    private func isRecorded(_ folder: String, _ outlook: ModelPull.Outlook) -> Bool {
        guard let record = PullRecord.of(folder: folder) else { return false }
        return record.isComplete && record.commit == outlook.commit
    }
}

/// Which of a repository's files.
struct PullFileOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            """
            Only files like this: '*Q4_K_M.gguf', 'vae/*'. May be given several times. If not given, what Mica reads \
            of a model folder.
            """, valueName: "pattern"))
    var include: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "No files like this: 'transformer/*.safetensors'. May be given several times.", valueName: "pattern"))
    var exclude: [String] = []

    var selection: FileSelection { FileSelection(include: include, exclude: exclude) }
}

extension ByteProgressBar {
    fileprivate func show(_ part: String, _ progress: ModelPull.Progress) {
        guard !progress.path.isEmpty else { return }
        show(part, done: progress.doneBytes, of: progress.totalBytes)
    }
}
