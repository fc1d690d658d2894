import Foundation

/// Memory of this process as the kernel counts it.
enum ProcessMemory {
    /// The most bytes that were resident at once, since the start or `resetPeak`; nil if the kernel does not say.
    static var peakResidentBytes: Int? { bytes("VmHWM:") }

    /// Bytes that are resident now; nil if the kernel does not say.
    static var residentBytes: Int? { bytes("VmRSS:") }

    private static func bytes(_ field: String) -> Int? {
        guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
        let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(field) }) else { return nil }
        // VmHWM:     12345 kB
        let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
        return fields.count > 1 ? Int(fields[1]).map { $0 * 1024 } : nil
    }

    /// Starts a new peak at what is resident now, where the kernel allows it; otherwise the old one goes on.
    static func resetPeak() {
        guard let handle = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
        try? handle.write(contentsOf: Data("5".utf8))
        try? handle.close()
    }
}
