extension Rule {
    private static let mostLines = 500
    private static let mostFunctionLines = 70
    private static let mostColumns = 120
    /// C has longer lines: a kernel's signature is one.
    private static let mostColumnsOfC = 140

    static let fileLength = Rule(description: "a file has at most \(mostLines) lines") { file in
        guard file.language == .swift || file.language == .c, file.lines.count > mostLines else { return [] }
        // The lines of text literals are data: a generated document may be as long as it is.
        let literals = linesOfLongLiterals(file)
        let code = file.lines.indices.filter {
            !literals.contains($0) && (file.lines[$0].trimmed.isEmpty || !isText($0, in: file))
        }.count
        return code > mostLines ? [(mostLines + 1, "\(code) lines")] : []
    }

    static let columns = Rule(description: "a line has at most \(mostColumns) columns") { file in
        guard file.language == .swift || file.language == .c else { return [] }
        let most = file.language == .c ? mostColumnsOfC : mostColumns
        return file.lines.enumerated().filter { index, line in line.count > most && !isText(index, in: file) }
            .map { ($0 + 1, "\($1.count) columns") }
    }

    /// True for a line of a text literal, which is data: without its contents nothing is left, and it is no comment.
    private static func isText(_ index: Int, in file: SourceFile) -> Bool {
        let line = file.lines[index].trimmed
        return file.code[index].trimmed.isEmpty && !["//", "/*", "*"].contains { line.hasPrefix($0) }
    }

    /// The lines inside of raw literals that have lines of their own; blank ones and comments of another language too.
    private static func linesOfLongLiterals(_ file: SourceFile) -> Set<Int> {
        var lines: Set<Int> = []
        var isInside = false
        for (index, line) in file.lines.enumerated() {
            if isInside {
                isInside = !line.trimmed.hasPrefix("\"\"\"#")
                if isInside { lines.insert(index) }
            } else {
                isInside = line.trimmed.hasSuffix("#\"\"\"")
            }
        }
        return lines
    }

    static let functionLength = Rule(description: "a function has at most \(mostFunctionLines) lines") { file in
        FunctionFinder.functions(in: file).filter { $0.lineCount > mostFunctionLines }
            .map { ($0.line, "\($0.lineCount) lines") }
    }
}
