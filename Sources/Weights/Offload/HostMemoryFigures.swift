import Glibc

/// What the system says of its memory.
package enum HostMemoryFigures {
    /// Bytes that programs can have without others being pushed out, the cache of files included; nil if the system
    /// does not say.
    package static var availableBytes: Int? {
        guard let file = fopen("/proc/meminfo", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        // MemAvailable is the third line; the file has about fifty.
        for _ in 0..<64 {
            guard fgets(&line, Int32(line.count), file) != nil else { return nil }
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("MemAvailable:") else { continue }
            let number = text.drop { !$0.isNumber }.prefix { $0.isNumber }
            return Int(number).map { $0 << 10 }
        }
        return nil
    }
}
