@testable import CUDABackend
import Foundation
import Testing

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

    @Test func nameTellsAllThatMakesTheCubin() throws {
        guard let libraries = try? CUDALibraries() else { return }
        let one = KernelCompiler(functions: libraries.compiler, version: "13.0")
        let other = KernelCompiler(functions: libraries.compiler, version: "13.1")
        let names = [
            one.cacheName(.norms, architecture: "sm_90a"), one.cacheName(.norms, architecture: "sm_80"),
            one.cacheName(.elements, architecture: "sm_90a"), other.cacheName(.norms, architecture: "sm_90a"),
        ]
        #expect(Set(names).count == names.count)
    }
}
