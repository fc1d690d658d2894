import Foundation

/// The files of a few lines in which the system says something.
enum SystemFile {
    /// The text of a file; nil if there is none.
    static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
