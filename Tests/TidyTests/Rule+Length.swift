extension Rule {
    private static let mostLines = 500
    private static let mostFunctionLines = 70
    private static let mostColumns = 120
    /// C has longer lines: a kernel's signature is one.
    private static let mostColumnsOfC = 140

    static let fileLength = Rule(description: "a file has at most \(mostLines) lines") { file in
        file.language == .swift || file.language == .c
            ? (file.lines.count > mostLines ? [(mostLines + 1, "\(file.lines.count) lines")] : []) : []
    }

    static let columns = Rule(description: "a line has at most \(mostColumns) columns") { file in
        guard file.language == .swift || file.language == .c else { return [] }
        let most = file.language == .c ? mostColumnsOfC : mostColumns
        return file.lines.enumerated().filter { $1.count > most }.map { ($0 + 1, "\($1.count) columns") }
    }

    static let functionLength = Rule(description: "a function has at most \(mostFunctionLines) lines") { file in
        FunctionFinder.functions(in: file).filter { $0.lineCount > mostFunctionLines }
            .map { ($0.line, "\($0.lineCount) lines") }
    }
}
