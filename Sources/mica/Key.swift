import ArgumentParser
import Foundation
import ServiceAPI

/// `mica key`: a new key for a client of the service.
struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes an API key.",
        discussion: """
            Prints the key, which the client sends as `Authorization: Bearer <key>` and which is nowhere stored, and \
            the line for the file of `mica serve --api-keys`. Behind the hash a line may say waiting=N and running=N \
            (jobs at the same time) and priority=normal or low (the highest that the key may ask for). With --line \
            only that line goes to standard output and the key to standard error: mica key alice --line >> keys.txt
            """)

    @Argument(help: "Whose key it is; its jobs belong to this name, and the log shows it.")
    var name: String

    @Flag(help: "The line alone to standard output, the key to standard error.")
    var line = false

    func run() throws {
        do {
            let (key, line) = try APIKey.make(client: name)
            if self.line {
                StandardError.write("\(key)\n")
                try StandardOutput.print(line)
            } else {
                try StandardOutput.print("key:  \(key)\nline: \(line)")
            }
        } catch {
            CommandFailure.report("\(error)")
            throw ExitCode(1)
        }
    }
}
