import Glibc

/// How often and after what time something that failed on the way is tried again.
struct Patience {
    /// Failures in a row, with nothing gained between them, after which it is given up.
    var attempts = 6
    /// The first pause; each one after is twice as long.
    var firstPause: Duration = .seconds(1)
    /// The longest pause, also where a server asks for more.
    var longestPause: Duration = .seconds(120)

    private static let slice: Duration = .milliseconds(50)

    /// Whether an error may pass by itself.
    static func isTransient(_ error: HubError) -> Bool {
        switch error {
        case .noConnection: true
        case .refused(_, let status, _): status == 408 || status == 429 || (500..<600).contains(status)
        default: false
        }
    }

    /// Does `work` until it succeeds, fails for good, or fails too often in a row. `work` gets to say whether it has
    /// gained something before it failed, and how many seconds the server asks to wait.
    func retrying<Success>(
        isCancelled: () -> Bool, _ work: (inout Attempt) throws(HubError) -> Success
    ) throws(HubError) -> Success {
        var failures = 0
        while true {
            var attempt = Attempt()
            do throws(HubError) {
                return try work(&attempt)
            } catch {
                failures = attempt.hasGained ? 1 : failures + 1
                guard Self.isTransient(error), failures < attempts else { throw error }
            }
            try pause(after: failures, asked: attempt.retryAfter, isCancelled: isCancelled)
        }
    }

    /// What an attempt tells about itself.
    struct Attempt {
        /// Bytes came that need not come again.
        var hasGained = false
        /// What the server's `Retry-After` says.
        var retryAfter: Duration?
    }

    private func pause(after failures: Int, asked: Duration?, isCancelled: () -> Bool) throws(HubError) {
        var left = min(max(firstPause * (1 << (failures - 1)), asked ?? .zero), longestPause)
        while left > .zero {
            if isCancelled() { throw .cancelled }
            let part = min(left, Self.slice)
            usleep(UInt32(part / .microseconds(1)))
            left -= part
        }
    }
}
