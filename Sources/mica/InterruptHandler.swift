import Dispatch
import Glibc
import QwenImage
import Synchronization

/// Turns SIGINT, SIGTERM and SIGHUP into a cancellation, so that a job
/// stops between two blocks and nothing half-written stays behind.
///
/// A second signal ends the process at once: a block may take long. What is unfinished goes with it.
final class InterruptHandler {
    private let sources: [any DispatchSourceSignal]
    private let first: First

    /// The signal that came first.
    private final class First: Sendable {
        let number = Mutex<Int32?>(nil)
    }

    /// A signal that comes after this is heard, however busy the machine is.
    init(_ cancellation: Cancellation) {
        // A thread of its own: those of the computation are busy.
        let queue = DispatchQueue(label: "mica.interrupts")
        let first = First()
        self.first = first
        let registered = DispatchGroup()
        sources = [SIGINT, SIGTERM, SIGHUP].filter { !Self.isIgnored($0) }.map { number in
            Glibc.signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { @Sendable in
                let isFirst = first.number.withLock { former in
                    defer { former = former ?? number }
                    return former == nil
                }
                guard isFirst else { Unfinished.discardAll(exit: 128 + number) }
                cancellation.cancel()
            }
            registered.enter()
            source.setRegistrationHandler { @Sendable in registered.leave() }
            source.resume()
            return source
        }
        // Until a source is registered, which another thread does, its signal is ignored.
        registered.wait()
    }

    /// The signal that cancelled the work, if one did.
    var signal: Int32? { first.number.withLock { $0 } }

    /// Ends the watch; further signals end the process as usual.
    func stop() {
        for source in sources {
            source.cancel()
            Glibc.signal(Int32(source.handle), SIG_DFL)
        }
    }

    /// Whoever started this has it ignore the signal, as `nohup` does, and a shell for what runs in the background.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
