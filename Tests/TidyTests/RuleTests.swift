import Testing

/// Each rule on snippets that keep it and snippets that break it: a rule that finds nothing anywhere holds nothing.
struct RuleTests {
    private func lines(_ rule: Rule, _ text: String, path: String = "Sources/TensorCore/Example.swift") -> [Int] {
        rule.findings(in: SourceFile(path: path, text: text)).map(\.line)
    }

    @Test func fileLength() {
        #expect(lines(.fileLength, String(repeating: "\n", count: 500)) == [])
        #expect(lines(.fileLength, String(repeating: "\n", count: 501)) == [501])
        #expect(lines(.fileLength, String(repeating: "\n", count: 501), path: "README.md") == [])
        let script = String(repeating: "/* a */\n\n", count: 300)
        #expect(lines(.fileLength, "let a = #\"\"\"\n\(script)\"\"\"#\n") == [])
        #expect(lines(.fileLength, "let a = #\"\"\"\n\"\"\"#\n\(script)") == [501])
    }

    @Test func columns() {
        let wide = "//" + String(repeating: "ä", count: 118)
        #expect(lines(.columns, "\(wide)\n\(wide)x\n") == [2])
        #expect(lines(.columns, "\(wide)x\n", path: "Sources/CKernels/x.c") == [])
        #expect(lines(.columns, "let a = \"\"\"\n  \(wide.dropFirst(2))\n  \"\"\"\n") == [])
        #expect(lines(.columns, "let a = \"\(wide.dropFirst(2))\"\n") == [1])
        #expect(lines(.columns, "\(wide)\(wide)\n", path: "Sources/CKernels/x.h") == [1])
    }

    @Test func functionLength() {
        let body = String(repeating: "    f()\n", count: 68)
        #expect(lines(.functionLength, "func f() {\n\(body)}\n") == [])
        #expect(lines(.functionLength, "\nfunc f() {\n\(body)\n}\n") == [2])
        // A closure is no function, and a brace in a string is no brace.
        #expect(lines(.functionLength, "let f = {\n\(body)\n}\n") == [])
        #expect(lines(.functionLength, "func f() {\n    g(\"}\")\n    // }\n\(body)}\n") == [1])
        // The head may take several lines; `self.init` is a call, `init` is none.
        #expect(lines(.functionLength, "struct S {\n    init(\n        x: Int\n    ) {\n\(body)    }\n}\n") == [2])
        #expect(lines(.functionLength, "let x = S.init(y).map {\n\(body)\n}\n") == [])
        let kernel = "static int table[] = {\n\(body)\n};\nvoid f(int x)\n{\n    if (x) {\n\(body)    }\n}\n"
        #expect(lines(.functionLength, kernel, path: "Sources/CKernels/x.c") == [72])
        let header = String(repeating: "void f(int x);\n", count: 80) + "typedef struct {\n    int y;\n} S;\n"
        #expect(lines(.functionLength, header, path: "Sources/CKernels/include/x.h") == [])
    }

    @Test func uncheckedReason() {
        #expect(lines(.uncheckedReason, "final class A: @unchecked Sendable {}\n") == [1])
        #expect(
            lines(.uncheckedReason, "// @unchecked because it locks.\nfinal class A: @unchecked Sendable {}\n") == [])
        let far = "// @unchecked because it locks.\n\n\n\nfinal class A: @unchecked Sendable {}\n"
        #expect(lines(.uncheckedReason, far) == [5])
        #expect(lines(.uncheckedReason, "// A class may be @unchecked Sendable.\n") == [])
    }

    @Test func mergeMarkers() {
        let ours = String(repeating: "<", count: 7)
        #expect(lines(.mergeMarkers, "a\n\(ours) HEAD\nb\n", path: "tools/x.py") == [2])
        #expect(lines(.mergeMarkers, "let a = 1 \(ours) 2\n\(ours)\n") == [])
    }

    @Test func signOfCharacters() {
        let signed = "let a = text.map { UInt8(bit" + "Pattern: $0) }\n"
        #expect(lines(.signOfCharacters, signed + "let b = bytes.map(CChar.init(bit" + "Pattern:))\n") == [1, 2])
        #expect(lines(.signOfCharacters, "let a = UInt8(truncatingIfNeeded: b)\n// UInt8(bit" + "Pattern: b)\n") == [])
        #expect(lines(.signOfCharacters, "let a = Int8(bit" + "Pattern: b), c = UInt(bit" + "Pattern: p)\n") == [])
    }

    @Test func bannedWords() {
        #expect(lines(.bannedWords, "// TO" + "DO: later\nlet a = 1\n// FIX" + "ME\n") == [1, 3])
        #expect(lines(.bannedWords, "# XX" + "X\n", path: "README.md") == [1])
        #expect(lines(.bannedWords, "let mastodonTO" + "DOs = 1\n") == [])
        #expect(lines(.bannedWords, "nonisolated(unsafe) var x = 1\n// nonisolated(unsafe)\n") == [1])
    }

    @Test(arguments: [
        "let a = b!\n", "let a = try! f()\n", "f()!.g()\n", "a[0]! += 1\n", "var a: Int!\n", "let a = b as! C\n",
        "let a = b?.c!\n",
    ])
    func forcedUnwraps(_ line: String) {
        #expect(lines(.forcedUnwraps, line) == [1])
        #expect(lines(.forcedUnwraps, line, path: "Tests/A/B.swift") == [])
    }

    @Test func unforcedMarks() {
        let text = """
            if a != b, a!=b, !c { f(!d) }
            // really!
            let e = "no!" + "\\(g!)"
            """
        #expect(lines(.forcedUnwraps, text) == [])
    }

    @Test func imports() {
        #expect(lines(.imports, "import Synchronization\n") == [])
        #expect(lines(.imports, "import Foundation\n") == [1])
        #expect(lines(.imports, "import class Foundation.ProcessInfo\n") == [1])
        #expect(lines(.imports, "// import Foundation\nlet a = \"import Foundation\"\n") == [])
        let model = "Sources/QwenImage/Transformer/A.swift"
        #expect(lines(.imports, "import Foundation\nimport TensorCore\npublic import Weights\n", path: model) == [])
        #expect(lines(.imports, "import TensorCore\n@preconcurrency import CPUBackend\n", path: model) == [2])
        #expect(lines(.imports, "import Glibc\n", path: "Sources/HTTPProtocol/A.swift") == [1])
        #expect(lines(.imports, "let a = 1\n", path: "Sources/Unknown/A.swift") == [1])
        #expect(lines(.imports, "import Testing\n", path: "Tests/TensorCoreTests/A.swift") == [])
    }

    @Test func documentation() {
        let rule = Rule.documentation(requirements: ["allocate"])
        #expect(lines(rule, "/// A.\npublic struct A {}\n") == [])
        #expect(lines(rule, "public struct A {}\n// B.\npublic func b() {}\n") == [1, 3])
        #expect(lines(rule, "/// A.\n@discardableResult\npublic func a() -> Int { 1 }\n") == [])
        #expect(
            lines(rule, "static public let a = 1\npackage final class B {}\npublic init(a: Int) {}\n") == [1, 2, 3])
        #expect(lines(rule, "func a() {}\nprivate let b = 1\npublic extension C {}\npublic import D\n") == [])
        // Members of protocols that are documented, of ours and of the standard library.
        #expect(lines(rule, "public func allocate() {}\npublic var description: String { s }\n") == [])
        #expect(lines(rule, "public init(from decoder: any Decoder) {}\n") == [])
        // One comment for a run of properties, and none for what follows it.
        #expect(lines(rule, "/// Sides.\npublic let a: Int\npublic let b: Int\n\npublic let c: Int\n") == [5])
        #expect(lines(rule, "public private(set) var a: Int\n") == [1])
    }

    @Test func requirements() {
        let text = "public protocol P {\n    func a()\n    var b: Int { get }\n}\nfunc c() {}\n"
        let file = SourceFile(path: "Sources/TensorCore/P.swift", text: text)
        #expect(Rule.requirements(in: [file]) == ["a", "b"])
    }

    @Test func markdownTitle() {
        let path = "docs/a.md"
        #expect(lines(.markdownTitle, "# A\n\n## B\n\n```\n# a comment\n```\n", path: path) == [])
        #expect(lines(.markdownTitle, "# A\n\n# B\n", path: path) == [3])
        #expect(lines(.markdownTitle, "A\n", path: path) == [1])
        #expect(lines(.markdownTitle, "A\n") == [])
    }

    @Test func machinePaths() {
        #expect(lines(.machinePaths, "a\nfrom /wo" + "rk/main\n", path: "README.md") == [2])
        #expect(lines(.machinePaths, "let a = \"/tmp/" + "wt/x\"\n") == [1])
        #expect(lines(.machinePaths, "let a = \"/tmp/x\" // work/\n") == [])
    }

    /// Literals of every kind end where they should; what comes after them is code again.
    @Test(arguments: [
        ("a /* b /* c */ d */ e", "a                   e"), ("a // b", "a     "), (#"a("}")b"#, #"a(" ")b"#),
        (##"a(#"\"}"#)b"##, ##"a(#"   "#)b"##), (#"a("\(f("}"))}")b"#, #"a("          ")b"#),
        (#"a("\"}")b"#, #"a("   ")b"#),
        (##"a(#"\#(f("}"))"#)b"##, ##"a(#"          "#)b"##),
    ])
    func scannerBlanks(_ text: String, _ code: String) {
        #expect(SourceFile(path: "a.swift", text: text).code == [code])
    }

    @Test func scannerKeepsLines() {
        let text = "let a = \"\"\"\n    } \"quoted\"\n    \"\"\"\n/* {\n*/ f()\n"
        let file = SourceFile(path: "a.swift", text: text)
        #expect(file.code.count == file.lines.count)
        #expect(file.code[1].trimmed.isEmpty && file.code[4].trimmed == "f()")
        #expect(
            SourceFile(path: "a.c", text: "char c = '\"'; f(); /* /* */ g();\n").code == [
                "char c = ' '; f();          g();"
            ])
    }
}
