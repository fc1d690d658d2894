// The tests of the bundle without XCTest: `tests --filter REGEX`.
import Testing

@main struct Runner {
    static func main() async { await Testing.__swiftPMEntryPoint() as Never }
}
