import Testing

/// The rules of style, held against every file of the project.
struct TidyTests {
    @Test func treeIsFound() {
        #expect(SourceTree.files.contains { $0.path == "Package.swift" })
        #expect(SourceTree.files.contains { $0.path == "Sources/TensorCore/Shape.swift" })
        #expect(SourceTree.files.allSatisfy { !$0.path.contains(".build/") })
    }

    @Test(arguments: Rule.all)
    func everyFileKeeps(_ rule: Rule) {
        for file in SourceTree.files {
            for finding in rule.findings(in: file) { Issue.record("\(finding)") }
        }
    }
}
