import Glibc

/// Paths behind all links.
enum RealPath {
    /// The path of what is there, without links and dots; nil if nothing is.
    static func of(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The path of what is there or is to be: its deepest folder that is there without links and dots, and the rest as
    /// it is written. `link/..` is the folder around what the link means, as the system sees it, and not the one around
    /// the link.
    static func ofPlace(_ path: String) -> String {
        var front = Array(path.utf8)
        var rest: [[UInt8]] = []
        while true {
            if let real = of(front.isEmpty ? "." : String(decoding: front, as: UTF8.self)) {
                return joined(real, rest)
            }
            while front.last == slash, front.count > 1 { front.removeLast() }
            let start = front.lastIndex(of: slash).map { $0 + 1 } ?? 0
            // Not even the folder of the process or the root can be seen.
            guard !front.isEmpty, start < front.count else { return path }
            rest.insert(Array(front[start...]), at: 0)
            front.removeLast(front.count - start)
        }
    }

    /// As `ofPlace`, but what is named last keeps its name if it is a link.
    static func ofEntry(_ path: String) -> String {
        var front = Array(path.utf8)
        while front.last == slash, front.count > 1 { front.removeLast() }
        let start = front.lastIndex(of: slash).map { $0 + 1 } ?? 0
        let name = Array(front[start...])
        guard !name.isEmpty, name != Array(".".utf8), name != Array("..".utf8) else { return ofPlace(path) }
        return joined(ofPlace(String(decoding: front[..<start], as: UTF8.self)), [name])
    }

    private static let slash = UInt8(ascii: "/")

    /// What is not there has no links, so that dots mean what they look like.
    private static func joined(_ folder: String, _ names: [[UInt8]]) -> String {
        var parts = folder.utf8.split(separator: slash).map(Array.init)
        for name in names where !name.isEmpty && name != Array(".".utf8) {
            if name == Array("..".utf8) { _ = parts.popLast() } else { parts.append(name) }
        }
        return parts.isEmpty ? "/" : parts.map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
    }
}
