import Foundation
import Synchronization

/// The files that are missing, fetched by a few threads.
final class PullWork: Sendable {
    private struct State {
        /// What no thread has begun yet, the next one last.
        var waiting: [HubFile]
        var progress: ModelPull.Progress
        /// Files that have begun and were not shown yet.
        var begun: [String] = []
        var record: PullRecord
        /// The first failure, for which all others stop.
        var failure: HubError?
    }

    private static let stackBytes = 1 << 20
    private static let showInterval: DispatchTimeInterval = .milliseconds(100)

    private let options: ModelPull.Options
    private let address: HubAddress
    private let commit: String
    private let folder: PullFolder
    private let isCancelled: @Sendable () -> Bool
    private let state: Mutex<State>

    init(
        _ options: ModelPull.Options, _ address: HubAddress, _ outlook: ModelPull.Outlook, _ folder: PullFolder,
        _ record: PullRecord, isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.options = options
        self.address = address
        self.folder = folder
        self.isCancelled = isCancelled
        commit = outlook.commit
        state = Mutex(
            State(
                waiting: outlook.missing.reversed(), progress: ModelPull.Progress(totalBytes: outlook.missingBytes),
                record: record))
    }

    /// Fetches all; the record of what is there then. `show` is called on this thread.
    func run(show: (ModelPull.Progress) -> Void) throws(HubError) -> PullRecord {
        let count = min(max(options.connections, 1), state.withLock { $0.waiting.count })
        let group = DispatchGroup()
        for _ in 0..<count {
            group.enter()
            let thread = Thread {
                self.work()
                group.leave()
            }
            thread.stackSize = Self.stackBytes
            thread.start()
        }
        repeat { tell(show) } while group.wait(timeout: .now() + Self.showInterval) == .timedOut
        tell(show)
        let (failure, record) = state.withLock { ($0.failure, $0.record) }
        if let failure { throw failure }
        return record
    }

    /// Shows every file that has begun since the last time, or else how far it is.
    private func tell(_ show: (ModelPull.Progress) -> Void) {
        var (progress, begun) = state.withLock { state in
            defer { state.begun = [] }
            return (state.progress, state.begun)
        }
        for path in begun {
            progress.path = path
            show(progress)
        }
        if begun.isEmpty { show(progress) }
    }

    /// One thread's part: files one after another.
    private func work() {
        do throws(HubError) {
            let client = try HubClient(options, address) { [self] in
                isCancelled() || state.withLock { $0.failure != nil }
            }
            while let file = next() {
                let url = client.address(of: file, commit: commit)
                try Download(file: file, url: url, folder: folder, client: client) { [self] bytes in
                    state.withLock { $0.progress.doneBytes += bytes }
                }.run()
                try finish(file)
            }
        } catch {
            state.withLock { state in
                // Those that stop because another failed have nothing to say.
                if state.failure == nil { state.failure = error }
            }
        }
    }

    private func next() -> HubFile? {
        state.withLock { state in
            guard state.failure == nil, let file = state.waiting.popLast() else { return nil }
            state.progress.path = file.path
            state.begun.append(file.path)
            return file
        }
    }

    private func finish(_ file: HubFile) throws(HubError) {
        try state.withLock { state throws(HubError) in
            state.record.add(file, in: folder.path)
            try folder.write(state.record)
        }
    }
}
