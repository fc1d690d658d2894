extension Rule {
    private static let access: Set<Substring> = ["public", "package", "open"]
    private static let modifiers: Set<Substring> = [
        "public", "package", "open", "private", "static", "final", "override", "convenience", "required", "mutating",
        "nonmutating",
        "indirect", "lazy", "weak", "nonisolated", "dynamic", "consuming", "borrowing",
    ]
    private static let declarations: Set<Substring> = [
        "func", "var", "let", "init", "struct", "class", "enum", "protocol", "actor", "typealias", "subscript",
    ]
    /// Members that fulfil a protocol of the standard library say nothing new.
    private static let standardMembers: Set<Substring> = [
        "description", "debugDescription", "errorDescription", "hash", "encode", "next", "init(from",
    ]

    /// Members that fulfil a protocol of ours are documented there.
    static let documentation = documentation(requirements: requirements(in: SourceTree.files))

    /// The rule, given the names of requirements that are documented elsewhere.
    static func documentation(requirements: Set<Substring>) -> Rule {
        Rule(description: "what is public has a doc comment") { file in
            guard file.language == .swift, file.module != nil else { return [] }
            return file.code.enumerated().compactMap { index, line in
                guard let name = publicName(line), !requirements.contains(name), !standardMembers.contains(name) else {
                    return nil
                }
                return hasComment(above: index, in: file) ? nil : (index + 1, "no doc comment for \(name)")
            }
        }
    }

    /// The name of the declaration that a line begins, if others may see it.
    private static func publicName(_ line: String) -> Substring? {
        var words = line.split { $0 == " " }[...]
        var isPublic = false
        while let word = words.first {
            let plain = word.prefix { $0 != "(" }
            guard modifiers.contains(plain) || word.hasPrefix("@") else { break }
            isPublic = isPublic || (access.contains(plain) && !word.hasSuffix("(set)"))
            words.removeFirst()
        }
        guard isPublic, let keyword = words.first else { return nil }
        let kind = keyword.prefix { $0.isLetter }
        guard declarations.contains(kind) else { return nil }
        // An initializer is known by its first label.
        if kind == "init" { return keyword.prefix { $0 != ":" && $0 != ")" } }
        if kind == "subscript" { return kind }
        return words.dropFirst().first?.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    }

    /// True if a doc comment ends above the line, or above the attributes that stand there. One comment may speak for a
    /// run of properties that stand directly under each other.
    private static func hasComment(above index: Int, in file: SourceFile) -> Bool {
        let isProperty = isProperty(file.code[index])
        for above in (0..<index).reversed() {
            let text = file.lines[above].trimmed
            if text.hasPrefix("///") || text.hasSuffix("*/") { return true }
            let mayStandBetween =
                text.hasPrefix("@") || text.hasPrefix("// @unchecked")
                || (isProperty && Self.isProperty(file.code[above]))
            guard mayStandBetween else { return false }
        }
        return false
    }

    /// True if the line is a stored property of others' concern, whole on its line.
    private static func isProperty(_ line: String) -> Bool {
        let words = Words(line)
        return publicName(line) != nil && (words.contains("let") || words.contains("var")) && !line.contains("{")
    }

    /// The names that the protocols of `files` require.
    static func requirements(in files: [SourceFile]) -> Set<Substring> {
        var names: Set<Substring> = []
        for file in files where file.language == .swift && file.module != nil {
            var isInside = false
            for line in file.code {
                if line.contains("protocol "), line.contains("{") { isInside = true }
                if line.hasPrefix("}") { isInside = false }
                guard isInside else { continue }
                let words = line.split(separator: " ").drop { modifiers.contains($0) }
                guard let keyword = words.first, keyword == "func" || keyword == "var" else { continue }
                if let name = words.dropFirst().first { names.insert(name.prefix { $0.isLetter || $0.isNumber }) }
            }
        }
        return names
    }
}
