import ArgumentParser
import Foundation

/// Failures as a command shows them: one line on standard error.
enum CommandFailure {
    static func report(_ message: String) {
        let line = message.replacingOccurrences(of: "\n", with: " ")
        FileHandle.standardError.write(Data("mica: \(line)\n".utf8))
    }

    /// Runs a command's work; what it throws is reported, and the process ends with 1.
    static func reporting(_ work: () throws -> Void) throws {
        do {
            try work()
        } catch {
            report("\(error)")
            throw ExitCode(1)
        }
    }
}

/// What the command itself finds wrong, before or after the engine's work.
enum CommandError: Error, CustomStringConvertible {
    case cannotRead(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
    case noDefaultModel(searched: [String])

    var description: String {
        switch self {
        case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
        case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
        case .noDefaultModel(let searched):
            "no model was given and none was found in \(searched.joined(separator: ", ")); name one with --model"
        }
    }
}
