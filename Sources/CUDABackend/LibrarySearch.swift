import Foundation
import Glibc

/// Where the libraries of CUDA are looked for: a configured folder, what the dynamic linker knows, the usual folders,
/// and the folders of Python wheels.
struct LibrarySearch: Sendable {
    /// The folder that was configured, or nil.
    let folder: String?
    private let environment: [String: String]
    /// So many folders of wheels are looked into at most.
    private static let wheelLimit = 64

    init(folder: String?, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.folder = folder ?? environment["MICA_CUDA_LIBRARIES"]
        self.environment = environment
    }

    /// File names of a library of CUDA's, those first that the driver can work with: each of its major versions knows
    /// the libraries of those before, and not those after.
    ///
    /// - Parameter driverVersion: as `cuDriverGetVersion` says it, such as 12080; nil without a driver.
    static func names(_ name: String, driverVersion: Int32?) -> [String] {
        let majors = [13, 12] as [Int32]
        let driver = driverVersion.map { $0 / 1000 } ?? .max
        let ordered = majors.filter { $0 <= driver } + majors.filter { $0 > driver }
        return ordered.map { "\(name).so.\($0)" } + ["\(name).so"]
    }

    /// Paths to try for a library of these file names, the best first: all of the configured folder, then the first
    /// name wherever it may be, then the next. A bare name leaves the search to the dynamic linker, which looks into
    /// LD_LIBRARY_PATH and its cache.
    func candidates(_ names: [String]) -> [String] {
        var paths: [String] = []
        if let folder { paths += names.map { "\(folder)/\($0)" } }
        let folders = Self.usualFolders(isARM: Self.isARM) + wheelFolders
        for name in names { paths += [name] + folders.map { "\($0)/\(name)" } }
        return paths
    }

    /// Opens the first that can be; what begins with `before` in the same folder is opened first, for all to see.
    ///
    /// - Throws: `libraryMissing`.
    func open(_ library: String, _ names: [String], before: String? = nil) throws(CUDAUnavailable) -> OpenLibrary {
        var reason = "no file of that name"
        for path in candidates(names) {
            // A path that is not there says nothing; a bare name may be found anywhere.
            if path.hasPrefix("/"), access(path, F_OK) != 0 { continue }
            if let before, let slash = path.lastIndex(of: "/") {
                for name in entries(of: String(path[..<slash])) where name.hasPrefix(before) {
                    _ = dlopen("\(path[..<slash])/\(name)", RTLD_NOW | RTLD_GLOBAL)
                }
            }
            if let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) {
                return OpenLibrary(name: library, path: Self.location(of: handle, path), handle: handle)
            }
            if let error = dlerror() { reason = String(cString: error) }
        }
        throw .libraryMissing(library: library, reason: reason)
    }

    private static var isARM: Bool {
        #if arch(arm64)
            true
        #else
            false
        #endif
    }

    /// Where distributions, CUDA's installers and containers put libraries.
    ///
    /// - Parameter isARM: true for those of 64-bit ARM: servers have CUDA for `sbsa-linux`, Jetsons that for
    ///   `aarch64-linux`, and the driver in folders of their own.
    static func usualFolders(isARM: Bool) -> [String] {
        let system = isARM ? "aarch64-linux-gnu" : "x86_64-linux-gnu"
        let targets = isARM ? ["sbsa-linux", "aarch64-linux"] : ["x86_64-linux"]
        let jetson = isARM ? ["nvidia", "tegra"].map { "/usr/lib/\(system)/\($0)" } : []
        return ["/usr/lib/\(system)", "/usr/lib64", "/usr/local/cuda/lib64"]
            + targets.map { "/usr/local/cuda/targets/\($0)/lib" }
            + ["/opt/cuda/lib64", "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"] + jetson
    }

    /// `nvidia/*/lib` of the Python environments that are at hand.
    private var wheelFolders: [String] {
        var roots = ["VIRTUAL_ENV", "CONDA_PREFIX"].compactMap { environment[$0] }
        roots += [".venv", "/opt/venv", "/usr/local", "/usr"]
        if let home = environment["HOME"] { roots.append("\(home)/.local") }
        var found: [String] = []
        for root in roots {
            for python in entries(of: "\(root)/lib") where python.hasPrefix("python3") {
                for packages in ["site-packages", "dist-packages"] {
                    let base = "\(root)/lib/\(python)/\(packages)/nvidia"
                    found += entries(of: base).map { "\(base)/\($0)/lib" }
                }
            }
        }
        return Array(found.prefix(Self.wheelLimit))
    }

    private func entries(of folder: String) -> [String] {
        // Newer versions of Python, and of CUDA, sort behind older ones.
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted(by: >)
    }

    /// The file that was opened in the end, as the linker tells it.
    private static func location(of handle: UnsafeMutableRawPointer, _ path: String) -> String {
        path.hasPrefix("/") ? path : path + " (by the dynamic linker)"
    }
}

/// A library that is open until the process ends; unloading CUDA libraries is not safe.
// @unchecked because the handle is never closed and dlsym may be called from any thread.
struct OpenLibrary: @unchecked Sendable {
    let name: String
    let path: String
    private let handle: UnsafeMutableRawPointer

    init(name: String, path: String, handle: UnsafeMutableRawPointer) {
        self.name = name
        self.path = path
        self.handle = handle
    }

    /// Fills a table of functions whose fields stand in the order of `symbols`.
    ///
    /// - Throws: `symbolsMissing` with the name of each that the library lacks.
    func table<Table>(
        _ type: Table.Type, symbols: UnsafePointer<UnsafePointer<CChar>?>
    ) throws(CUDAUnavailable) -> Table {
        let count = MemoryLayout<Table>.size / MemoryLayout<UnsafeMutableRawPointer>.size
        let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        defer { table.deallocate() }
        let fields = UnsafeMutableRawPointer(table).bindMemory(to: UnsafeMutableRawPointer?.self, capacity: count)
        var missing: [String] = []
        for index in 0..<count {
            guard let name = symbols[index] else { preconditionFailure("\(type) has more fields than names") }
            fields[index] = dlsym(handle, name)
            if fields[index] == nil { missing.append(String(cString: name)) }
        }
        guard missing.isEmpty else { throw .symbolsMissing(library: "\(self.name) (\(path))", symbols: missing) }
        return UnsafeMutableRawPointer(table).assumingMemoryBound(to: Table.self).pointee
    }
}
