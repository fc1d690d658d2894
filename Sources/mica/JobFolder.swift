import DurableStorage
import Foundation
import Jobs
import Logging
import ServiceAPI

/// Where jobs are kept.
///
/// Without a folder in the settings it is the user's own for state (`$STATE_DIRECTORY` of systemd,
/// `$XDG_STATE_HOME/mica` or `~/.local/state/mica`), one for each port; where that cannot be had, the port is any free
/// one, or a Unix socket is listened on, a temporary one, whose jobs end with the process, which is logged.
struct JobFolder {
    /// Nil if no jobs are kept.
    let store: JobStore?
    private let temporaryFolder: URL?

    /// Opens the folder; throws if one that was named cannot be used.
    init(_ settings: ServiceSettings, logger: Logger) throws {
        guard settings.stateFolder != Self.none else {
            (store, temporaryFolder) = (nil, nil)
            return
        }
        var retention = JobRetention()
        retention.resultSeconds = Double(settings.resultHours) * 3600
        retention.resultBytes = settings.resultLimitMiB << 20
        func open(_ folder: String) throws(StorageError) -> JobStore {
            try JobStore(folder: folder, retention: retention) { notice in logger.warning("\(notice)") }
        }
        var problem = "a free port and a Unix socket have no usual folder, nor has a user without HOME"
        if let folder = settings.stateFolder ?? Self.usualFolder(settings) {
            do {
                store = try open(folder)
                temporaryFolder = nil
                return
            } catch {
                guard settings.stateFolder == nil else { throw error }
                problem = "\(error)"
            }
        }
        logger.warning("jobs will not survive this process; name a state_folder", metadata: ["problem": "\(problem)"])
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        store = try open(folder.path)
        temporaryFolder = folder
    }

    /// What stands for no folder.
    private static let none = "none"

    /// Throws if the folder that the settings name cannot be had. One that a service uses just now can.
    static func check(_ settings: ServiceSettings) throws {
        guard let folder = settings.stateFolder, folder != none else { return }
        try DurableFolder.check(folder)
    }

    private static func usualFolder(_ settings: ServiceSettings) -> String? {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["STATE_DIRECTORY"], !folder.isEmpty { return folder }
        guard settings.port != 0, settings.unixSocket == nil else { return nil }
        let named = environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        let base = named ?? environment["HOME"].map { "\($0)/.local/state" }
        guard let base, base.hasPrefix("/"), base != "//.local/state" else { return nil }
        return "\(base)/mica/\(settings.port)"
    }

    func removeIfTemporary() {
        if let temporaryFolder { try? FileManager.default.removeItem(at: temporaryFolder) }
    }
}
