import Foundation
import Testing

@testable import CUDABackend

/// Opening the libraries where they are missing, broken or too old: one line says what is wrong.
struct LibraryTests {
    /// A folder with a library of the C library's under NVIDIA's name.
    private func folder(_ names: [String]) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let library = try #require(
            ["x86_64-linux-gnu/", "aarch64-linux-gnu/", "", "../lib64/"].map { "/lib/\($0)libm.so.6" }.first {
                FileManager.default.fileExists(atPath: $0)
            })
        for name in names {
            try FileManager.default.copyItem(atPath: library, toPath: folder.appendingPathComponent(name).path)
        }
        return folder
    }

    @Test func everyMissingSymbolIsNamed() throws {
        let folder = try folder(["libcuda.so.1"])
        defer { try? FileManager.default.removeItem(at: folder) }
        let error = #expect(throws: CUDAUnavailable.self) { _ = try CUDALibraries(folder: folder.path) }
        guard case .symbolsMissing(let library, let symbols) = error else {
            Issue.record("a library of other functions was taken for the driver")
            return
        }
        #expect(library.contains(folder.path))
        for name in ["cuInit", "cuMemAlloc_v2", "cuLaunchKernel", "cuDevicePrimaryCtxRetain"] {
            #expect(symbols.contains(name))
        }
    }

    @Test func brokenLibraryIsPassedOver() throws {
        let folder = try folder([])
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("libnvrtc.so.13")
        try Data("no library".utf8).write(to: file)
        let search = LibrarySearch(folder: folder.path, environment: [:])
        for name in ["libmica-nowhere.so.1", file.lastPathComponent + ".none"] {
            let error = #expect(throws: CUDAUnavailable.self) { _ = try search.open("a library", [name]) }
            guard case .libraryMissing(let library, let reason) = error else {
                Issue.record("a library that is nowhere was opened")
                continue
            }
            #expect(library == "a library" && reason.contains(name))
        }
    }

    /// NVRTC's builtins are there before it is, whatever their version, and nothing else of its folder.
    @Test func companionsAreOpenedBefore() throws {
        let folder = try folder(["libnvrtc.so.13", "libnvrtc-builtins.so.13.99", "libnvrtc-other.so.13"])
        defer { try? FileManager.default.removeItem(at: folder) }
        let search = LibrarySearch(folder: folder.path, environment: [:])
        _ = try search.open("NVRTC", ["libnvrtc.so.13"], before: "libnvrtc-builtins.so.")
        func isOpen(_ name: String) -> Bool {
            dlopen(folder.appendingPathComponent(name).path, RTLD_NOW | RTLD_NOLOAD) != nil
        }
        #expect(isOpen("libnvrtc.so.13") && isOpen("libnvrtc-builtins.so.13.99") && !isOpen("libnvrtc-other.so.13"))
    }

    /// The configured folder first, then the linker, then the usual folders and Python's.
    @Test func orderOfPlaces() throws {
        let root = try folder([])
        defer { try? FileManager.default.removeItem(at: root) }
        let wheels = root.appendingPathComponent("lib/python3.12/site-packages/nvidia/cu13/lib")
        try FileManager.default.createDirectory(at: wheels, withIntermediateDirectories: true)
        let search = LibrarySearch(folder: "/configured", environment: ["VIRTUAL_ENV": root.path])
        let paths = search.candidates(["libx.so.2", "libx.so"])
        #expect(Array(paths.prefix(3)) == ["/configured/libx.so.2", "/configured/libx.so", "libx.so.2"])
        // The version that is wanted, wherever it is, before another.
        let wheel = try #require(paths.firstIndex(of: "\(wheels.path)/libx.so.2"))
        let other = try #require(paths.firstIndex(of: "libx.so"))
        #expect(wheel < other)
        let environment = LibrarySearch(folder: nil, environment: ["MICA_CUDA_LIBRARIES": "/from/environment"])
        #expect(environment.candidates(["libx.so"]).first == "/from/environment/libx.so")
    }

    /// Each kind of host has folders of its own, and none of the other's.
    @Test func foldersAreOfTheHostsKind() {
        let (x86, arm) = (LibrarySearch.usualFolders(isARM: false), LibrarySearch.usualFolders(isARM: true))
        #expect(x86.contains("/usr/lib/x86_64-linux-gnu") && !x86.contains { $0.contains("aarch64") })
        #expect(arm.contains("/usr/lib/aarch64-linux-gnu") && !arm.contains { $0.contains("x86_64") })
        #expect(arm.contains("/usr/local/cuda/targets/sbsa-linux/lib"))
        #expect(arm.contains("/usr/lib/aarch64-linux-gnu/tegra") && Set(x86).intersection(arm).count == 5)
    }

    /// What the driver's major version knows comes first, the newest of it.
    @Test(arguments: [nil, 13_000, 13_020, 12_080, 14_000] as [Int32?])
    func versionsThatTheDriverKnowsComeFirst(_ driver: Int32?) {
        let expected = (driver == 12_080 ? [12, 13] : [13, 12]).map { "libx.so.\($0)" } + ["libx.so"]
        #expect(LibrarySearch.names("libx", driverVersion: driver) == expected)
    }

    @Test func messagesSayWhatToDo() {
        let messages: [CUDAUnavailable] = [
            .libraryMissing(library: "the driver", reason: "not found"),
            .symbolsMissing(library: "NVRTC", symbols: ["nvrtcGetCUBIN"]),
            .driver(call: "cuInit", code: 100, problem: "CUDA_ERROR_NO_DEVICE"), .noDevice(index: 3, count: 2),
            .tooOld(device: "an old one", capability: "7.5", needed: "8.0"),
        ]
        for message in messages {
            #expect(message.description.hasPrefix("no CUDA") && !message.description.contains("\n"))
        }
    }
}
