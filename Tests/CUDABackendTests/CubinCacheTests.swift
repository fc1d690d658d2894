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

    @Test func nameTellsAllThatMakesTheCubin() {
        func name(_ program: KernelSource, _ architecture: String, _ version: String?) -> String {
            KernelCompiler.cacheName(program, architecture: architecture, version: version)
        }
        let names = [
            name(.norms, "sm_90a", "13.0"), name(.norms, "sm_80", "13.0"), name(.elements, "sm_90a", "13.0"),
            name(.norms, "sm_90a", "13.1"), name(.norms, "sm_90a", nil),
        ]
        #expect(Set(names).count == names.count && names.allSatisfy { $0.hasSuffix(".cubin") })
    }
}
