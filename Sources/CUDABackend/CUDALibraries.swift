import CCUDA

/// NVIDIA's libraries, opened at run time. The driver is needed, and NVRTC unless kernels came compiled; without
/// cuBLASLt products run on a kernel of Mica's own, without cuDNN attention does, and convolutions are products.
// @unchecked because a table of functions never changes.
public struct CUDALibraries: @unchecked Sendable {
    let driver: MicaCUDADriver
    let compiler: Compiler?
    let products: MicaCUBLASLt?
    let neuralNetworks: MicaCUDNN?
    let management: DeviceManagement?
    /// Version of CUDA that the driver knows, such as `13.0`.
    public let driverVersion: String
    /// Devices that the driver knows.
    public let deviceCount: Int
    /// What was found and what was not, a line each.
    public let findings: [String]

    /// Opens the libraries and starts the driver.
    ///
    /// - Parameter folder: is looked into first; nil takes `MICA_CUDA_LIBRARIES` of the environment, if it is set.
    /// - Throws: why there is no CUDA here.
    public init(folder: String? = nil) throws(CUDAUnavailable) {
        let search = LibrarySearch(folder: folder)
        let cuda = try search.open("the driver, libcuda.so.1,", ["libcuda.so.1", "libcuda.so"])
        driver = try cuda.table(MicaCUDADriver.self, symbols: mica_cuda_symbols(Int32(MICA_LIBRARY_DRIVER)))
        try Self.check(driver, driver.cuInit(0), "cuInit")
        var version: Int32 = 0
        try Self.check(driver, driver.cuDriverGetVersion(&version), "cuDriverGetVersion")
        driverVersion = "\(version / 1000).\(version % 1000 / 10)"
        var count: Int32 = 0
        try Self.check(driver, driver.cuDeviceGetCount(&count), "cuDeviceGetCount")
        guard count > 0 else { throw .noDevice(index: 0, count: 0) }
        deviceCount = Int(count)
        var findings = ["driver for CUDA \(driverVersion) at \(cuda.path)"]
        compiler = Self.optional(&findings, "NVRTC", "kernels must have come compiled") { () throws(CUDAUnavailable) in
            let compiler = try Compiler(search, driverVersion: version)
            return (compiler, "\(compiler.path), version \(compiler.version)")
        }
        products = Self.optional(&findings, "cuBLASLt", "products run on Mica's own kernel") {
            () throws(CUDAUnavailable) in
            let library = try search.open(
                "cuBLASLt", LibrarySearch.names("libcublasLt", driverVersion: version))
            return (
                try library.table(MicaCUBLASLt.self, symbols: mica_cuda_symbols(Int32(MICA_LIBRARY_CUBLASLT))),
                library.path
            )
        }
        neuralNetworks = Self.optional(&findings, "cuDNN", DNNLibrary.consequence) {
            () throws(CUDAUnavailable) in
            let library = try search.open("cuDNN", ["libcudnn.so.9", "libcudnn.so"])
            return (
                try library.table(MicaCUDNN.self, symbols: mica_cuda_symbols(Int32(MICA_LIBRARY_CUDNN))), library.path
            )
        }
        management = Self.optional(&findings, "NVML", "what a context takes of a budget is assumed, not measured") {
            () throws(CUDAUnavailable) in
            let library = try search.open("NVML", ["libnvidia-ml.so.1", "libnvidia-ml.so"])
            return (
                try library.table(MicaNVML.self, symbols: mica_cuda_symbols(Int32(MICA_LIBRARY_NVML))), library.path
            )
        }.flatMap(DeviceManagement.init)
        self.findings = findings
    }

    /// The same libraries over a driver that has no device.
    init(rehearsing libraries: CUDALibraries) {
        driver = mica_cuda_rehearsal()
        compiler = nil
        products = libraries.products
        neuralNetworks = libraries.neuralNetworks
        management = nil
        driverVersion = libraries.driverVersion
        deviceCount = libraries.deviceCount
        findings = libraries.findings
    }

    /// The libraries, opened once a process.
    ///
    /// - Throws: as `init(folder:)`; the same each time.
    public static func shared() throws(CUDAUnavailable) -> CUDALibraries {
        try opened.get()
    }

    private static let opened = Result { () throws(CUDAUnavailable) in try CUDALibraries() }

    /// A library that is of use but not needed.
    private static func optional<Table>(
        _ findings: inout [String], _ name: String, _ consequence: String,
        _ open: () throws(CUDAUnavailable) -> (Table, String)
    ) -> Table? {
        do throws(CUDAUnavailable) {
            let (table, path) = try open()
            findings.append("\(name) at \(path)")
            return table
        } catch {
            findings.append("no \(name) (\(error)): \(consequence)")
            return nil
        }
    }

    static func check(_ driver: MicaCUDADriver, _ code: Int32, _ call: String) throws(CUDAUnavailable) {
        guard code != 0 else { return }
        throw .driver(call: call, code: Int(code), problem: problem(driver, code))
    }

    /// What the driver says of a code: `CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected`.
    static func problem(_ driver: MicaCUDADriver, _ code: Int32) -> String {
        var name: UnsafePointer<CChar>?
        var text: UnsafePointer<CChar>?
        _ = driver.cuGetErrorName(code, &name)
        _ = driver.cuGetErrorString(code, &text)
        return [name, text].compactMap { $0.map { String(cString: $0) } }.joined(separator: ": ")
    }

    /// NVRTC alone, which needs neither a driver nor a device.
    struct Compiler {
        let functions: MicaNVRTC
        let version: String
        let path: String

        init(_ search: LibrarySearch, driverVersion: Int32? = nil) throws(CUDAUnavailable) {
            let library = try search.open(
                "NVRTC", LibrarySearch.names("libnvrtc", driverVersion: driverVersion),
                // NVRTC looks for its builtins where the linker looks, which is not where a wheel has them. They bear
                // its full version.
                before: "libnvrtc-builtins.so.")
            functions = try library.table(MicaNVRTC.self, symbols: mica_cuda_symbols(Int32(MICA_LIBRARY_NVRTC)))
            path = library.path
            var major: Int32 = 0
            var minor: Int32 = 0
            let code = functions.nvrtcVersion(&major, &minor)
            guard code == 0 else { throw .driver(call: "nvrtcVersion", code: Int(code), problem: "NVRTC") }
            version = "\(major).\(minor)"
        }
    }
}
