/// Why a model could not be fetched.
public enum HubError: Error, Sendable, Equatable, CustomStringConvertible {
    /// libcurl is not there.
    case noLibrary(reason: String)
    /// A name, an address or a path that is none.
    case badName(String, expected: String)
    /// The network or the server failed on the way, again and again.
    case noConnection(address: String, reason: String)
    /// The server answered with a status that is none of success; 0 where it could not be asked, for its certificate
    /// say.
    case refused(address: String, status: Int, reason: String)
    /// The server does not have it, or does not show it to us.
    case notFound(String, hint: String)
    /// The server wants to know who asks, or somebody to agree to something first.
    case notAllowed(String, hint: String)
    /// The server's answer is not what a hub answers.
    case badAnswer(address: String, expected: String, found: String)
    /// A file came whole, and is another one than the hub's list says.
    case damaged(path: String, expected: String, found: String)
    /// Nothing of a repository was chosen.
    case nothingChosen(repository: String, found: [String])
    /// The folder holds something else.
    case folderTaken(folder: String, by: String)
    /// Another process fetches into the folder.
    case folderBusy(folder: String)
    /// The disk has too little room.
    case noRoom(folder: String, neededBytes: Int, freeBytes: Int)
    /// The disk does not take or give a file.
    case file(path: String, operation: String, reason: String)
    /// The network is not to be asked.
    case offline(variable: String)
    /// Somebody asked to stop.
    case cancelled

    public var description: String {
        switch self {
        case .noLibrary(let reason): reason
        case .badName(let name, let expected): "'\(name)' will not do: \(expected)"
        case .noConnection(let address, let reason): "\(address) cannot be reached: \(reason)"
        case .refused(let address, 0, let reason): "\(address) cannot be asked: \(reason)"
        case .refused(let address, let status, let reason):
            "\(address) answered \(status)\(reason.isEmpty ? "" : ": \(reason)")"
        case .notFound(let what, let hint), .notAllowed(let what, let hint): "\(what); \(hint)"
        case .badAnswer(let address, let expected, let found):
            "\(address) answered with \(found) instead of \(expected); is it a hub?"
        case .damaged(let path, let expected, let found):
            "\(path) came as something else: its hash should be \(expected) and is \(found); run the command again"
        case .nothingChosen(let repository, let found):
            "nothing of \(repository) was chosen; it has \(found.isEmpty ? "no files" : Self.some(found)): say which"
                + " with --include 'PATTERN'"
        case .folderTaken(let folder, let other):
            "\(folder) holds \(other) already; name another folder with --to"
        case .folderBusy(let folder): "another process is fetching into \(folder)"
        case .noRoom(let folder, let needed, let free):
            "\(folder) has room for \(Self.gibibytes(free)), and \(Self.gibibytes(needed)) are to come; name a folder"
                + " on another disk with --to"
        case .file(let path, let operation, let reason): "cannot \(operation) \(path): \(reason)"
        case .offline(let variable): "\(variable) is set, so the network is not asked"
        case .cancelled: "cancelled"
        }
    }

    private static let shownNames = 6

    private static func some(_ names: [String]) -> String {
        let rest = names.count - shownNames
        return names.prefix(shownNames).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    private static func gibibytes(_ bytes: Int) -> String {
        let tenths = bytes / ((1 << 30) / 10)
        return "\(tenths / 10).\(tenths % 10) GiB"
    }
}
