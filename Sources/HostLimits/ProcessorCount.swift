import Foundation

/// How many processors there are for this process.
public enum ProcessorCount {
    /// Those that it may run on, or fewer if its control groups give it less of their time, rounded up; at least 1. As
    /// it was when it was first asked for.
    public static let available = count(
        active: ProcessInfo.processInfo.activeProcessorCount,
        allowed: SystemFile.text("/proc/self/status").flatMap(allowed),
        quota: ControlGroups.ofThisProcess.processorCount)

    /// The smallest of the machine's processors, of those that a process may run on, and of what a quota stands for.
    static func count(active: Int, allowed: Int?, quota: Int?) -> Int {
        max(min(active, allowed ?? active, quota ?? active), 1)
    }

    /// How many are in the line `Cpus_allowed_list` of a process's `/proc/self/status`, such as `0-3,8`; those that are
    /// not there may be among them. Foundation counts the machine's.
    static func allowed(_ status: String) -> Int? {
        let key = "Cpus_allowed_list:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return nil }
        var count = 0
        for part in line.dropFirst(key.count).split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let ends = part.split(separator: "-").map { UInt32($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, ends.count <= 2 else {
                return nil
            }
            count += Int(last - first) + 1
        }
        return count > 0 ? count : nil
    }
}
