/// What there is of the host's memory for this process.
public enum AvailableMemory {
    /// Bytes that programs can have without others being pushed out, the cache of files included, and no more than the
    /// process's control groups leave; nil if the system does not say.
    public static var bytes: Int? {
        bytes(ControlGroups.ofThisProcess, read: SystemFile.text)
    }

    static func bytes(_ groups: ControlGroups, read: (String) -> String?) -> Int? {
        [systemBytes(read("/proc/meminfo")), groups.availableBytes].compactMap(\.self).min()
    }

    /// MemAvailable of `/proc/meminfo`.
    private static func systemBytes(_ text: String?) -> Int? {
        guard let line = text?.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1024)
        return overflow ? nil : bytes
    }
}
