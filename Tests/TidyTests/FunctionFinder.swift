/// Finds functions by their braces, without a parser.
enum FunctionFinder {
    struct Function: Equatable {
        /// Of its head, from 1.
        let line: Int
        let lineCount: Int
    }

    private struct Block {
        /// The line where a function's head starts; nil if the braces are no function's.
        let functionLine: Int?
    }

    /// The functions, initializers and subscripts of Swift; the functions of C.
    static func functions(in file: SourceFile) -> [Function] {
        var found: [Function] = []
        var open: [Block] = []
        // What stands between the last brace and the next one, with the line of each piece.
        var head: [(line: Int, text: Substring)] = []
        for (index, line) in file.code.enumerated() {
            var rest = line[...]
            while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
                head.append((index + 1, rest[..<brace]))
                if rest[brace] == "{" {
                    let isOutermost = open.isEmpty
                    open.append(
                        Block(functionLine: file.language == .swift ? swiftHead(head) : isOutermost ? cHead(head) : nil)
                    )
                } else if let first = open.popLast()?.functionLine {
                    found.append(Function(line: first, lineCount: index + 2 - first))
                }
                head = []
                rest = rest[line.index(after: brace)...]
            }
            head.append((index + 1, rest))
        }
        return found.sorted { $0.line < $1.line }
    }

    /// The line of the last word that begins a function.
    private static func swiftHead(_ head: [(line: Int, text: Substring)]) -> Int? {
        head.last { piece in
            let words = Words(piece.text)
            return words.contains("func") || words.contains("deinit") || words.contains("subscript")
                || words.contains("init", notAfter: ".")
        }?.line
    }

    /// The line of the parameter list's end, at the outermost level: `name(...) {`; what ends with a semicolon before
    /// it is a declaration.
    private static func cHead(_ head: [(line: Int, text: Substring)]) -> Int? {
        let declared = head.lastIndex { $0.text.contains(";") }.map { head.index(after: $0) } ?? head.startIndex
        let own = head[declared...]
        return own.contains { $0.text.contains(")") } ? own.first { $0.text.contains("(") }?.line : nil
    }
}
