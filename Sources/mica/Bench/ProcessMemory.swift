import Foundation
import ServiceAPI

/// Memory of this process as the kernel counts it.
enum ProcessMemory {
    /// The most bytes that were resident at once, since the start or `resetPeak`; nil if the kernel does not say.
    static var peakResidentBytes: Int? { ProcessFigures().peakBytes.map { Int($0) } }

    /// Bytes that are resident now; nil if the kernel does not say.
    static var residentBytes: Int? { ProcessFigures().residentBytes.map { Int($0) } }

    /// Starts a new peak at what is resident now, where the kernel allows it; otherwise the old one goes on.
    static func resetPeak() {
        guard let handle = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
        try? handle.write(contentsOf: Data("5".utf8))
        try? handle.close()
    }
}
