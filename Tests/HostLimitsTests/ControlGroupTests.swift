import Testing

@testable import HostLimits

/// What processes are left of a machine, by the files in which Linux says so.
@Suite struct ControlGroupTests {
    /// The files of a system as a process in it sees them, and what follows.
    struct System: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let files: [String: String]
        var processors: Int?
        var bytes: Int?

        var groups: ControlGroups {
            let files = files
            return ControlGroups { files[$0] }
        }
    }

    private static let second = "31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let first = """
        30 24 0:25 / /proc rw - proc proc rw
        33 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
        36 32 0:33 / /sys/fs/cgroup/memory rw,relatime shared:12 - cgroup cgroup rw,memory

        """

    static let systems = [
        System(testDescription: "no control groups", files: [:]),
        System(
            testDescription: "a container of its own namespace",
            files: [
                "/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": second,
                "/sys/fs/cgroup/cpu.max": "250000 100000\n", "/sys/fs/cgroup/memory.max": "1000000\n",
                "/sys/fs/cgroup/memory.current": "700000\n",
                "/sys/fs/cgroup/memory.stat": "anon 5\nactive_file 100000\ninactive_file 200000\nfile 900000\n",
            ], processors: 3, bytes: 600_000),
        System(
            testDescription: "no limits",
            files: [
                "/proc/self/cgroup": "0::/a\n", "/proc/self/mountinfo": second,
                "/sys/fs/cgroup/a/cpu.max": "max 100000\n", "/sys/fs/cgroup/a/memory.max": "max\n",
                "/sys/fs/cgroup/a/memory.current": "700000\n",
            ]),
        System(
            testDescription: "the smallest limit on the way up",
            files: [
                "/proc/self/cgroup": "0::/system.slice/mica.service/worker\n", "/proc/self/mountinfo": second,
                "/sys/fs/cgroup/system.slice/cpu.max": "800000 100000\n",
                "/sys/fs/cgroup/system.slice/memory.max": "5000\n",
                "/sys/fs/cgroup/system.slice/memory.current": "4000\n",
                "/sys/fs/cgroup/system.slice/mica.service/cpu.max": "20000 100000\n",
                "/sys/fs/cgroup/system.slice/mica.service/worker/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/system.slice/mica.service/worker/memory.max": "3000\n",
                "/sys/fs/cgroup/system.slice/mica.service/worker/memory.current": "1000\n",
            ], processors: 1, bytes: 1000),
        System(
            testDescription: "the first version",
            files: [
                "/proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/c\n1:name=systemd:/x\n",
                "/proc/self/mountinfo": first, "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us": "150000\n",
                "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us": "50000\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/memory/m/memory.limit_in_bytes": "4096\n",
                "/sys/fs/cgroup/memory/m/memory.usage_in_bytes": "4000\n",
                "/sys/fs/cgroup/memory/m/memory.stat":
                    "active_file 1\ntotal_active_file 24\ntotal_inactive_file 1000\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": "123\n",
            ], processors: 3, bytes: 4096 - 4000 + 1024),
        System(
            testDescription: "a container that sees its own group at the mount point",
            files: [
                "/proc/self/cgroup": "3:cpu,cpuacct:/docker/0123\n",
                "/proc/self/mountinfo":
                    "33 32 0:30 /docker/0123 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "400000\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            ], processors: 4),
        System(
            testDescription: "a process outside of the namespace that it sees",
            files: [
                "/proc/self/cgroup": "0::/../../other\n", "/proc/self/mountinfo": second,
                "/sys/fs/cgroup/cpu.max": "200000 100000\n",
            ], processors: 2),
        System(
            testDescription: "both versions, each controller in one",
            files: [
                "/proc/self/cgroup": "3:cpu,cpuacct:/c\n0::/u\n",
                "/proc/self/mountinfo": first + "40 32 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
                "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us": "100001\n",
                "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/unified/u/memory.max": "100\n", "/sys/fs/cgroup/unified/u/memory.current": "200\n",
            ], processors: 2, bytes: 0),
        System(
            testDescription: "files that say nothing sensible",
            files: [
                "/proc/self/cgroup": "\n0\n0::\n::::\n0::/a\n",
                "/proc/self/mountinfo": "- cgroup2\n1 2 3 / /x rw - cgroup2\n" + second,
                "/sys/fs/cgroup/cpu.max": "0 0\n", "/sys/fs/cgroup/a/cpu.max": "9223372036854775807 -1\n",
                "/sys/fs/cgroup/memory.max": "-5\n", "/sys/fs/cgroup/memory.current": "99999999999999999999\n",
                "/sys/fs/cgroup/a/memory.max": "9223372036854775807\n", "/sys/fs/cgroup/a/memory.current": "\n",
            ]),
    ]

    @Test(arguments: systems)
    func limits(_ system: System) {
        #expect(system.groups.processorCount == system.processors)
        #expect(system.groups.availableBytes == system.bytes)
    }

    /// The machine's, those that are allowed, those of a quota, and what is left of them.
    static let counts: [(Int, Int?, Int?, Int)] = [
        (8, nil, nil, 8), (8, nil, 3, 3), (8, 256, nil, 8), (8, 4, 6, 4), (2, 2, 3, 2), (0, nil, nil, 1),
    ]

    @Test(arguments: counts)
    func theSmallestCounts(_ active: Int, _ allowed: Int?, _ quota: Int?, _ count: Int) {
        #expect(ProcessorCount.count(active: active, allowed: allowed, quota: quota) == count)
    }

    @Test(
        arguments: [
            ("Name:\tmica\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,8\nMems:\t0\n", 5),
            ("Cpus_allowed_list:\t5\n", 1),
            ("Cpus_allowed_list:\t\n", nil), ("Cpus_allowed_list:\t3-1\n", nil), ("Cpus_allowed_list:\t-\n", nil),
            ("Cpus_allowed_list:\t1-2-3\n", nil), ("Cpus_allowed_list:\t0-99999999999999999999\n", nil), ("", nil),
        ] as [(String, Int?)])
    func processorsThatAreAllowed(_ status: String, _ count: Int?) {
        #expect(ProcessorCount.allowed(status) == count)
    }

    @Test(arguments: systems)
    func theSmallerOfTheSystemsMemoryAndTheGroups(_ system: System) {
        let groups = system.groups
        for (text, free) in [("MemTotal: 99 kB\nMemAvailable:    1 kB\n", 1024), ("MemTotal: 99 kB\n", nil)] {
            let found = AvailableMemory.bytes(groups) { $0 == "/proc/meminfo" ? text : nil }
            #expect(found == [free, system.bytes].compactMap(\.self).min())
        }
    }

    @Test func thisProcessHasSome() {
        #expect(ProcessorCount.available >= 1)
        #expect(AvailableMemory.bytes.map { $0 > 0 } ?? true)
    }
}
