import Dispatch
import Glibc

/// Waits for SIGTERM and SIGINT.
///
/// The signals are blocked and taken with `sigwait`, so that none is lost between the process' start and the wait.
struct ShutdownSignals {
    private var set = sigset_t()

    /// Blocks the signals in this thread and all that it starts from now on.
    init() {
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A reader of standard output that goes must not end the service.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns when one of them comes.
    func wait() -> Int32 {
        var set = set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number
    }

    /// A further signal ends the process at once.
    func endAtOnceOnTheNext() {
        let signals = self
        DispatchQueue(label: "mica.signals").async {
            _exit(128 + signals.wait())
        }
    }
}
