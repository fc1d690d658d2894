import Glibc

/// How many descriptors the process may have open.
enum DescriptorLimit {
    /// Descriptors that a process needs besides its connections: files, listeners, a model's weights.
    private static let others: rlim_t = 128

    /// Raises the soft limit as far as the hard one allows, so that so many connections find descriptors, each of which
    /// may be sent a file.
    static func raise(forConnections count: Int) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let wanted = min(2 * rlim_t(max(0, min(count, Int(Int32.max)))) + others, limit.rlim_max)
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = wanted
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
