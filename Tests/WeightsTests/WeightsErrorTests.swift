import TensorCore
import Testing
import Weights

@Suite struct WeightsErrorTests {
    /// Names come from files that anybody may have made: a message stays one line of bounded length.
    @Test(arguments: ["a\nb", "a\u{1B}[31mb", "a\u{2028}b", "a\u{202E}b", "a\u{0}b"])
    func namesCannotBreakTheLine(_ name: String) {
        #expect(WeightsError.tensorMissing(tensor: name, file: "f").description.hasPrefix("f has no tensor 'a?"))
        let problem = HeaderProblem.unknownDType(tensor: name, found: name)
        let description = WeightsError.headerInvalid(file: name, problem: problem).description
        #expect(description.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        #expect(!description.contains { $0.isNewline })
    }

    @Test func longNamesAreCut() {
        let name = String(repeating: "n", count: 100_000)
        let error = WeightsError.wrongShape(tensor: name, file: name, expected: [1], found: [2])
        #expect(error.description.utf8.count < 700)
    }

    @Test func theSystemsReasonIsSpelledOut() {
        let error = WeightsError.io(operation: "write", file: "out.safetensors", code: 28)
        #expect(error.description == "cannot write out.safetensors: No space left on device")
    }
}
