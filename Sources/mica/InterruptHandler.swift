import Dispatch
import Glibc
import QwenImage

/// Turns SIGINT and SIGTERM into a cancellation, so that a job
/// stops between two blocks and nothing half-written stays behind.
final class InterruptHandler {
    private let sources: [any DispatchSourceSignal]

    init(_ cancellation: Cancellation) {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { @Sendable in cancellation.cancel() }
            source.resume()
            return source
        }
    }

    /// Ends the watch; further signals end the process as usual.
    func stop() {
        for source in sources { source.cancel() }
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
    }
}
