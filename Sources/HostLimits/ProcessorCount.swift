import Foundation

/// How many processors there are for this process.
public enum ProcessorCount {
    /// Those that it may run on, or fewer if its control groups give it less of their time, rounded up; at least 1. As
    /// it was when it was first asked for.
    public static let available = count(
        allowed: ProcessInfo.processInfo.activeProcessorCount, quota: ControlGroups.ofThisProcess.processorCount)

    /// The smaller of the processors that a process may run on and of those that a quota, if there is one, stands for.
    static func count(allowed: Int, quota: Int?) -> Int {
        max(min(allowed, quota ?? allowed), 1)
    }
}
