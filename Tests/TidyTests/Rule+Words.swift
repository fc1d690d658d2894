extension Rule {
    /// How far above a declaration the reason may stand: attributes and a doc comment's last line may come between.
    private static let reasonLines = 3
    /// Put together here, so that this file does not break the rule.
    private static let markers = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    private static let folders = ["wo" + "rk", "tmp/" + "wt", "tmp/" + "ref", "ro" + "ot"].map { "/" + $0 + "/" }
    /// Forced unwraps that are there for a reason: path and the line's text.
    private static let allowedUnwraps: Set<String> = []

    static let uncheckedReason = Rule(description: "@unchecked is explained above") { file in
        guard file.language == .swift else { return [] }
        return file.code.indices.filter { file.code[$0].contains("@unchecked") }.compactMap { index in
            let above = file.lines[max(0, index - reasonLines)..<index]
            return above.contains { $0.contains("// @unchecked because ") }
                ? nil : (index + 1, "no comment `// @unchecked because ...` above")
        }
    }

    static let bannedWords = Rule(description: "no unfinished places, no unchecked isolation") { file in
        file.lines.enumerated().flatMap { index, line in
            let words = Words(line)
            var found = markers.filter { words.contains($0) }
            if file.language == .swift, file.code[index].contains("nonisolated(unsafe)") {
                found.append("nonisolated(unsafe)")
            }
            return found.map { (index + 1, $0) }
        }
    }

    static let forcedUnwraps = Rule(description: "no forced unwrap or try in Sources") { file in
        guard file.language == .swift, file.module != nil else { return [] }
        return file.code.enumerated().filter { index, line in
            hasForcedUnwrap(line) && !allowedUnwraps.contains("\(file.path): \(file.lines[index])")
        }.map { index, _ in (index + 1, file.lines[index].trimmed) }
    }

    static let machinePaths = Rule(description: "no path of a developer's machine") { file in
        file.lines.enumerated().flatMap { index, line in
            folders.filter { line.contains($0) }.map { (index + 1, $0) }
        }
    }

    /// C's `char` has a sign on x86 and none on ARM, and so may Swift's `CChar`.
    static let signOfCharacters = Rule(description: "bytes and C's characters by truncatingIfNeeded") { file in
        guard file.language == .swift else { return [] }
        let signed = ["UInt8", "CChar"].flatMap { ["\($0)(bit" + "Pattern:", "\($0).init(bit" + "Pattern:"] }
        return file.code.enumerated().flatMap { index, line in
            signed.filter { line.contains($0) }.map { (index + 1, $0) }
        }
    }

    static let mergeMarkers = Rule(description: "no marks of an unfinished merge") { file in
        let marks = ["<", ">"].map { String(repeating: $0, count: 7) + " " }
        return file.lines.enumerated().filter { _, line in marks.contains { line.hasPrefix($0) } }
            .map { ($0.offset + 1, $0.element) }
    }

    static let markdownTitle = Rule(description: "a Markdown document has one title") { file in
        guard file.language == .markdown else { return [] }
        var isCode = false
        let titles = file.lines.enumerated().filter { _, line in
            if line.trimmed.hasPrefix("```") { isCode.toggle() }
            return !isCode && line.hasPrefix("# ")
        }
        return titles.count == 1
            ? []
            : [(titles.dropFirst().first?.offset ?? 0, "\(titles.count) titles")]
                .map { ($0.0 + 1, $0.1) }
    }

    /// A `!` behind a name, a call or a subscript, and not one of `!=`.
    private static func hasForcedUnwrap(_ line: String) -> Bool {
        var before: Character = " "
        var isMark = false
        for character in line + " " {
            if isMark, character != "=" { return true }
            isMark = character == "!" && (before.isLetter || before.isNumber || "_)]?>".contains(before))
            before = character
        }
        return false
    }
}

extension String {
    /// Without white space at its ends.
    var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
