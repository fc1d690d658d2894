import Dispatch
import Glibc

/// Waits for SIGTERM, SIGINT and SIGHUP, and for the process' own word that something has ended.
///
/// The signals are blocked and taken with `sigwait`, so that none is lost between the process' start and the wait.
struct ServiceSignals {
    /// What a signal asks for.
    enum Wish: Equatable {
        /// SIGTERM, SIGINT
        case stop(Int32)
        /// SIGHUP
        case reload
        /// `askToLook`
        case look
    }

    private var set = sigset_t()
    private static let own = SIGUSR1

    /// Blocks the signals in this thread and all that it starts from now on.
    init() {
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP, Self.own] { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A reader of standard output that goes must not end the service.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns when one of them comes.
    func wait() -> Wish {
        var set = set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return switch number {
        case SIGHUP: .reload
        case Self.own: .look
        default: .stop(number)
        }
    }

    /// Has `wait` return, from any thread.
    static func askToLook() { _ = kill(getpid(), own) }

    /// A further signal to stop ends the process at once.
    func endAtOnceOnTheNext() {
        let signals = self
        DispatchQueue(label: "mica.signals").async {
            while true {
                if case .stop(let number) = signals.wait() { _exit(128 + number) }
            }
        }
    }
}
