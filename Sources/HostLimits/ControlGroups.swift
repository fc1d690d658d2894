/// The control groups that a process is in, by which containers and services are kept within limits of processor time
/// and memory. A group's limit holds for those inside of it too, so that the smallest on the way up counts.
///
/// Source: Linux, Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst, scheduler/sched-bwc.rst; cgroups(7)
/// and proc(5) for where a group's folder is.
struct ControlGroups: Sendable {
    /// The two layouts, which a system may have side by side, each controller in one of them.
    private enum Version {
        case one
        case two
    }

    /// The text of a file; nil if it is not there.
    private let read: @Sendable (String) -> String?
    private let processor: [(version: Version, folder: String)]
    private let memory: [(version: Version, folder: String)]

    /// Those of this process.
    static let ofThisProcess = ControlGroups(read: SystemFile.text)

    /// Finds the groups of the process whose `/proc/self` `read` shows.
    init(read: @escaping @Sendable (String) -> String?) {
        self.read = read
        let groups = Self.groups(read("/proc/self/cgroup") ?? "")
        let mounts = Self.mounts(read("/proc/self/mountinfo") ?? "")
        func folders(_ controller: String) -> [(version: Version, folder: String)] {
            mounts.flatMap { mount in
                // In the second version one group has all controllers, and its line names none.
                let group = groups.first {
                    mount.version == .two
                        ? $0.controllers.isEmpty
                        : $0.controllers.contains(controller) && mount.controllers.contains(controller)
                }
                return group.map { mount.folders(of: $0.path).map { (mount.version, $0) } } ?? []
            }
        }
        processor = folders("cpu")
        memory = folders("memory")
    }

    /// Processors whose whole time the groups may take together, rounded up; nil without a limit.
    var processorCount: Int? {
        processor.compactMap { version, folder in
            switch version {
            case .one:
                Self.processorCount(
                    quota: number("\(folder)/cpu.cfs_quota_us"), period: number("\(folder)/cpu.cfs_period_us"))
            case .two:
                // "max 100000" without a limit.
                read("\(folder)/cpu.max").flatMap {
                    let fields = $0.split(whereSeparator: \.isWhitespace)
                    guard fields.count == 2 else { return nil }
                    return Self.processorCount(quota: Int(fields[0]), period: Int(fields[1]))
                }
            }
        }.min()
    }

    /// Bytes that the groups may still take, their cache of files included, which makes room; nil without a limit.
    var availableBytes: Int? {
        memory.compactMap { version, folder in
            let names =
                version == .one
                ? (limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", cache: "total_")
                : (limit: "memory.max", used: "memory.current", cache: "")
            guard let limit = number("\(folder)/\(names.limit)"), let used = number("\(folder)/\(names.used)"),
                limit >= 0, used >= 0
            else { return nil }
            let keys = ["\(names.cache)active_file", "\(names.cache)inactive_file"]
            let cached = Self.sum(of: keys, in: read("\(folder)/memory.stat") ?? "")
            return max(limit - max(used - cached, 0), 0)
        }.min()
    }

    private func number(_ path: String) -> Int? {
        read(path).flatMap { $0.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } }
    }

    /// A quota of -1 is none.
    private static func processorCount(quota: Int?, period: Int?) -> Int? {
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return quota / period + (quota % period > 0 ? 1 : 0)
    }

    /// The sum of some lines "key number", as far as they are there and make sense.
    private static func sum(of keys: [String], in text: String) -> Int {
        text.split(separator: "\n").reduce(0) { sum, line in
            let fields = line.split(separator: " ")
            guard fields.count == 2, keys.contains(String(fields[0])), let number = Int(fields[1]), number >= 0 else {
                return sum
            }
            let (next, overflow) = sum.addingReportingOverflow(number)
            return overflow ? sum : next
        }
    }

    // MARK: Where they are

    /// Lines "number:controllers:path".
    private static func groups(_ text: String) -> [(controllers: Set<String>, path: String)] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            return (Set(fields[1].split(separator: ",").map(String.init)), String(fields[2]))
        }
    }

    /// Where groups are looked at as folders.
    private struct Mount {
        let version: Version
        /// Of the first version.
        let controllers: Set<String>
        /// The group that is at the mount point: in a container perhaps its own.
        let root: String
        let point: String

        /// A group's folder and those of the groups around it, as far as they are to be seen.
        func folders(of group: String) -> [String] {
            var names = group.split(separator: "/")
            let roots = root.split(separator: "/")
            // A group that is not below the mount's, as outside of a namespace: what is seen is the mount's alone.
            names = names.starts(with: roots) && !names.contains("..") ? Array(names.dropFirst(roots.count)) : []
            return (0...names.count).map { ([Substring(point)] + names.prefix($0)).joined(separator: "/") }
        }
    }

    /// Lines "id parent device root point options [fields] - type source options".
    private static func mounts(_ text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
            let (root, point) = (String(fields[3]), String(fields[4]))
            switch fields[dash + 1] {
            case "cgroup":
                let options = Set(fields[dash + 3].split(separator: ",").map(String.init))
                return Mount(version: .one, controllers: options, root: root, point: point)
            case "cgroup2": return Mount(version: .two, controllers: [], root: root, point: point)
            default: return nil
            }
        }
    }
}
