import Foundation
import Glibc
import ImageCodecs
import Testing

/// The files that `tools/make_image_fixtures.py` makes.
enum Fixture {
    static let folder: URL = {
        guard let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil) else {
            fatalError("the test target lost its Fixtures folder")
        }
        return folder
    }()

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    static func json<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appendingPathComponent(name)))
    }
}

/// CRC-32 of ISO 3309, bit by bit: slow, and independent of what the product uses.
func crc32(_ bytes: [UInt8]) -> UInt32 {
    var table = [UInt32](repeating: 0, count: 256)
    for value in 0..<256 {
        var entry = UInt32(value)
        for _ in 0..<8 { entry = entry & 1 == 1 ? 0xEDB8_8320 ^ entry >> 1 : entry >> 1 }
        table[value] = entry
    }
    return bytes.withUnsafeBufferPointer { bytes in
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes { crc = table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
        return ~crc
    }
}

/// Pictures by a formula that the fixture tool has as well: no input has to be stored.
enum Pattern {
    /// `width * height * channels` bytes; `kind` 0 noise, 1 gradient, 2 hard blocks.
    static func bytes(width: Int, height: Int, channels: Int, kind: Int, seed: UInt32) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: width * height * channels)
        var state = seed &* 2_654_435_761 | 1
        result.withUnsafeMutableBufferPointer { result in
            var index = 0
            for y in 0..<height {
                for x in 0..<width {
                    for channel in 0..<channels {
                        state ^= state << 13
                        state ^= state >> 17
                        state ^= state << 5
                        switch kind {
                        case 0: result[index] = UInt8(state >> 24)
                        case 1: result[index] = UInt8((x * (3 + channel) + y * (7 - channel) + Int(state >> 30)) & 255)
                        default: result[index] = (x / 5 + y / 3 + channel) & 1 == 0 ? 0 : 255
                        }
                        index += 1
                    }
                }
            }
        }
        return result
    }
}

/// What all processors spent on this process while `work` ran, which other processes do not add to.
func processorSeconds(_ work: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    let start = now()
    try work()
    return now() - start
}
