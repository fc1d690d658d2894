/// One rule of style and what breaks it in a file.
struct Rule: Sendable, CustomStringConvertible {
    /// A place that breaks a rule.
    struct Finding: Sendable, Equatable, CustomStringConvertible {
        let path: String
        /// From 1.
        let line: Int
        let message: String

        var description: String { "\(path):\(line): \(message)" }
    }

    let description: String
    /// Line (from 1) and message of each breach.
    let check: @Sendable (SourceFile) -> [(line: Int, message: String)]

    static let all: [Rule] = [
        fileLength, columns, functionLength, uncheckedReason, bannedWords, forcedUnwraps, imports, documentation,
        markdownTitle, machinePaths, mergeMarkers, signOfCharacters,
    ]

    /// The breaches in a file, in order.
    func findings(in file: SourceFile) -> [Finding] {
        check(file).map { Finding(path: file.path, line: $0.line, message: $0.message) }
    }
}
