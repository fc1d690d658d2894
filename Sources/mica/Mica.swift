import ArgumentParser

/// The command `mica`.
@main
struct Mica: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mica",
        abstract: "Splits a picture into RGBA layers with Qwen-Image-Layered.",
        version: ServeWiring.version,
        subcommands: [
            Serve.self, Decompose.self, Recompose.self, Fit.self, Plan.self, Pull.self, Models.self, Quantize.self,
            Key.self, Bench.self, Devices.self,
        ])

    static func main() {
        let arguments = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
        if let name = arguments.first(where: isDashedName) {
            exit(withError: ValidationError("'\(name)' is no option; a file of that name is ./\(name)"))
        }
        main(separated(Array(CommandLine.arguments.dropFirst())))
    }

    /// The arguments with `--option=` as `--option` and an empty text, which is what a shell makes of an empty
    /// variable: the parser would take what follows for the value.
    static func separated(_ arguments: [String]) -> [String] {
        let options = arguments.prefix { $0 != "--" }
        let split = options.flatMap { argument in
            argument.hasPrefix("--") && argument.hasSuffix("=") ? [String(argument.dropLast()), ""] : [argument]
        }
        return split + arguments.dropFirst(options.count)
    }

    /// Whether an argument looks like several one-letter options, of which there are none: a file whose name begins
    /// with a dash and has an h in it would ask for help otherwise.
    private static func isDashedName(_ argument: String) -> Bool {
        let rest = argument.dropFirst()
        guard argument.hasPrefix("-"), rest.count > 1, let first = rest.first, rest != "help" else { return false }
        return first != "-" && first != "." && !first.isNumber && rest.dropFirst().first != "="
    }
}
