import Foundation

/// A text file of the project, as it is written and as the compiler's scanner would see it.
struct SourceFile: Sendable {
    enum Language: Sendable {
        case swift, c, markdown, other
    }

    /// From the package's folder: `Sources/TensorCore/Shape.swift`.
    let path: String
    let language: Language
    /// The lines as written.
    let lines: [String]
    /// The same lines with comments and the contents of string
    /// literals blanked; empty unless the language is Swift or C.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        language =
            switch (path as NSString).pathExtension {
            case "swift": .swift
            case "c", "h": .c
            case "md": .markdown
            default: .other
            }
        lines = SourceFile.split(Array(text.utf8))
        code =
            switch language {
            case .swift, .c: SourceFile.split(CodeScanner.blanked(Array(text.utf8), isSwift: language == .swift))
            default: []
            }
    }

    /// The module of a file below Sources, or nil.
    var module: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }
}
