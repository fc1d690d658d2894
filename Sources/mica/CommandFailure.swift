import ArgumentParser
import Foundation
import Glibc
import QwenImage

/// Failures as a command shows them: one line on standard error.
enum CommandFailure {
    static func report(_ message: String) {
        let line = message.replacingOccurrences(of: "\n", with: " ")
        StandardError.write("mica: \(line)\n")
    }

    /// Runs a command's work; what it throws is reported, and the process ends with 1, for options that do not go
    /// together with 64, as where they are seen before the work.
    static func reporting(_ work: () throws -> Void) throws {
        do {
            try work()
        } catch let code as ExitCode {
            throw code
        } catch let error as ValidationError {
            throw error
        } catch {
            report("\(error)")
            throw ExitCode(1)
        }
    }

    /// The same for work that Ctrl-C, SIGTERM or a terminal that goes cancels, whereupon the process ends with 128 and
    /// the signal's number, as shells expect it. `whatIsLeft` says what such work leaves behind where it does not come
    /// to its end.
    static func reportingUnlessCancelled(
        whatIsLeft: String = "nothing was written", _ work: (Cancellation) throws -> Void
    ) throws {
        let cancellation = Cancellation()
        let interrupts = InterruptHandler(cancellation)
        defer { interrupts.stop() }
        try reporting {
            do {
                try work(cancellation)
            } catch PipelineError.cancelled {
                report("cancelled; \(whatIsLeft)")
                throw ExitCode(128 + (interrupts.signal ?? SIGINT))
            }
        }
    }
}

/// What the command itself finds wrong, before or after the engine's work.
enum CommandError: Error, CustomStringConvertible {
    case cannotRead(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
    case noDefaultModel(searched: [String])
    case noModel(folder: String)
    /// A repository that `mica pull` could fetch, or has begun to.
    case notPulled(repository: String, isBegun: Bool)

    /// What was wrong, without the place.
    var reason: String {
        switch self {
        case .cannotRead(_, let reason), .cannotWrite(_, let reason): reason
        case .noDefaultModel, .noModel, .notPulled: description
        }
    }

    var description: String {
        switch self {
        case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
        case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
        case .noDefaultModel(let searched):
            "no model was given and none was found in \(searched.joined(separator: ", ")); name one with --model"
        case .noModel(let folder):
            "there is no model in \(folder): name a folder with model_index.json, such as Models/seedling"
        case .notPulled(let repository, let isBegun):
            isBegun
                ? "\(repository) has not come whole: `mica pull \(repository)` goes on where it stopped"
                : "there is neither a folder \(repository) nor a repository of that name here;"
                    + " `mica pull \(repository)` fetches it"
        }
    }
}
