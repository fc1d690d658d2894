import Foundation
import Testing

@testable import CUDABackend

/// Compiled kernels on disk.
struct CubinCacheTests {
    private func temporaryCache() -> CubinCache {
        CubinCache(folder: FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString))
    }

    @Test func givesBackWhatItKeeps() {
        let cache = temporaryCache()
        defer { try? FileManager.default.removeItem(at: cache.folder) }
        #expect(cache.read("a.cubin") == nil)
        cache.write([1, 2, 3], "a.cubin")
        #expect(cache.read("a.cubin") == [1, 2, 3])
        cache.write([4], "a.cubin")
        #expect(cache.read("a.cubin") == [4])
    }

    /// Six files of 15 MB are more than it may hold: the oldest go, the newest stays.
    @Test func oldestGoFirst() throws {
        let cache = temporaryCache()
        defer { try? FileManager.default.removeItem(at: cache.folder) }
        for index in 0..<6 {
            let name = "\(index).cubin"
            cache.write([UInt8](repeating: UInt8(index), count: 15 << 20), name)
            let date = Date(timeIntervalSince1970: Double(1_000_000 + index))
            try? FileManager.default.setAttributes(
                [.modificationDate: date], ofItemAtPath: cache.folder.appendingPathComponent(name).path)
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: cache.folder.path).sorted()
        #expect(left == ["2.cubin", "3.cubin", "4.cubin", "5.cubin"])
    }

    /// A header, two segments and three sections, of which the last takes no room; their bytes end the file.
    @Test func whatIsCutOffIsNotWhole() {
        var image: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1]
        func put(_ value: Int, _ count: Int, at offset: Int) {
            for index in 0..<count { image[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
        }
        let (segments, sections) = (64, 64 + 2 * 56)
        let end = sections + 3 * 64 + 100
        image += [UInt8](repeating: 0, count: end - image.count)
        for (value, count, offset) in [(segments, 8, 32), (sections, 8, 40), (2, 2, 56), (3, 2, 60)] {
            put(value, count, at: offset)
        }
        put(64, 8, at: segments + 8)
        put(end - 64, 8, at: segments + 56 + 8)
        put(64, 8, at: segments + 56 + 32)
        put(1, 4, at: sections + 64 + 4)
        put(end - 100, 8, at: sections + 64 + 24)
        put(100, 8, at: sections + 64 + 32)
        put(8, 4, at: sections + 128 + 4)
        put(end, 8, at: sections + 128 + 24)
        put(1 << 40, 8, at: sections + 128 + 32)
        #expect(CubinImage.isWhole(image))
        for count in 0..<end { #expect(!CubinImage.isWhole(Array(image.prefix(count))), "\(count) bytes") }
        // Numbers that no file has.
        for offset in [32, 40, sections + 64 + 24, sections + 64 + 32, segments + 8] {
            var damaged = image
            for index in 0..<8 { damaged[offset + index] = 0xff }
            #expect(!CubinImage.isWhole(damaged), "at \(offset)")
        }
        #expect(!CubinImage.isWhole([UInt8](repeating: 0, count: 1000)))
    }

    @Test func nameTellsAllThatMakesTheCubin() {
        func name(_ program: KernelSource, _ architecture: String, _ version: String?) -> String {
            KernelCompiler.cacheName(program, architecture: architecture, version: version)
        }
        let names = [
            name(.norms, "sm_90", "13.0"), name(.norms, "sm_80", "13.0"), name(.elements, "sm_90", "13.0"),
            name(.norms, "sm_90", "13.1"), name(.norms, "sm_90", nil),
        ]
        #expect(Set(names).count == names.count && names.allSatisfy { $0.hasSuffix(".cubin") })
    }
}
