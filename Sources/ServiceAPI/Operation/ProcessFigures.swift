import Foundation

/// What the system says of this process.
package struct ProcessFigures {
    /// Bytes in memory; nil, as each of these, if the kernel does not say.
    package private(set) var residentBytes: Double?
    /// Those of them that belong to files, such as mapped weights.
    var fileBytes: Double?
    /// The most bytes in memory since the start, or since the kernel was told to count anew.
    package private(set) var peakBytes: Double?
    var openDescriptors: Double?
    var threads: Double?

    /// Reads `/proc/self`.
    package init() {
        guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return }
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, let value = Double(words[1]) else { continue }
            switch words[0] {
            case "VmRSS:": residentBytes = value * 1024
            case "RssFile:": fileBytes = value * 1024
            case "VmHWM:": peakBytes = value * 1024
            case "Threads:": threads = value
            default: break
            }
        }
        if let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // One of them is the look itself.
            openDescriptors = Double(max(0, names.count - 1))
        }
    }
}
