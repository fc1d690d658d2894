// swift-tools-version: 6.2
import PackageDescription

/// Settings that every target shares: the language mode comes from the tools version, imports are private unless said
/// otherwise, a member is visible only where its module is imported, and an existential says `any`.
let base: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// For modules that hold no unsafe code at all: the compiler keeps it that way.
let safe: [SwiftSetting] = base + [.strictMemorySafety()]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "mica",
    products: [
        .executable(name: "mica", targets: ["mica"]),
        // For tools/fuzz.
        .library(name: "MicaModules", targets: ["HTTPProtocol", "ImageCodecs", "Weights", "ServiceAPI"]),
    ],
    // Exact, so that everybody builds the same, images too. None of them depends on another package.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // C: system libraries and the kernels
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
        .target(
            name: "CImages",
            linkerSettings: [
                .linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("webp"), .linkedLibrary("webpdemux"),
                .linkedLibrary("lcms2"), .linkedLibrary("deflate"), .linkedLibrary("z"),
            ]),
        .target(name: "CLayerFitting", cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "CSockets"),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CCUDA"),
        // Opened at run time: only its headers are needed here.
        .target(name: "CCurl"),
        .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),

        // The engine
        .target(name: "HostLimits", swiftSettings: safe),
        .target(name: "TensorCore", swiftSettings: safe),
        .target(
            name: "CPUBackend", dependencies: ["TensorCore", "HostLimits", "CKernels", "COpenBLAS", "COneDNN"],
            swiftSettings: base),
        .target(name: "CUDABackend", dependencies: ["TensorCore", "HostLimits", "CCUDA"], swiftSettings: base),
        .target(name: "Weights", dependencies: ["TensorCore", "HostLimits"], swiftSettings: base),
        .target(name: "ImageCodecs", dependencies: ["HostLimits", "CImages"], swiftSettings: base),
        .target(name: "LayerFitting", dependencies: ["ImageCodecs", "CLayerFitting"], swiftSettings: base),
        .target(name: "QwenImage", dependencies: ["TensorCore", "Weights", "ImageCodecs"], swiftSettings: safe),

        .target(name: "Digests", dependencies: ["COpenSSL"], swiftSettings: base),
        .target(name: "ModelHub", dependencies: ["CCurl", "Digests"], swiftSettings: base),

        // The service
        .target(name: "DurableStorage", dependencies: ["CSQLite"], swiftSettings: safe),
        .target(name: "Jobs", dependencies: ["DurableStorage", "Digests"], swiftSettings: safe),
        .target(name: "HTTPProtocol", swiftSettings: safe),
        .target(
            name: "HTTPTransport", dependencies: ["HTTPProtocol", "CSockets", "COpenSSL", logging],
            swiftSettings: base),
        .target(
            name: "ServiceAPI",
            dependencies: [
                "HTTPProtocol", "HTTPTransport", "Jobs", "DurableStorage", "QwenImage", "ImageCodecs", "TensorCore",
                "HostLimits", "LayerFitting", "Digests", logging,
            ],
            // The page's files, which `make page` puts into PageDocument.swift.
            exclude: ["Page/page.html", "Page/page.css", "Page/page.js", "Page/page"],
            swiftSettings: safe),

        // The command: the only target that names a concrete backend
        .executableTarget(
            name: "mica",
            dependencies: [
                "TensorCore", "HostLimits", "CPUBackend", "CUDABackend", "Weights", "ImageCodecs", "QwenImage",
                "HTTPProtocol", "HTTPTransport", "ServiceAPI", "Jobs", "DurableStorage", "LayerFitting", "ModelHub",
                argumentParser, logging, yams,
            ],
            swiftSettings: base),

        // Tests
        .executableTarget(
            name: "jobs-crash-probe", dependencies: ["Jobs", "DurableStorage"], path: "Tests/CrashProbe",
            swiftSettings: base),
        .executableTarget(
            name: "service-probe",
            dependencies: ["ServiceAPI", "HTTPTransport", "Jobs", "QwenImage", "ImageCodecs", logging],
            path: "Tests/ServiceProbe", swiftSettings: base),
        .testTarget(
            name: "JobsTests", dependencies: ["Jobs", "DurableStorage", "jobs-crash-probe"], swiftSettings: base),
        .testTarget(name: "DigestsTests", dependencies: ["Digests"], swiftSettings: base),
        .testTarget(
            name: "ModelHubTests", dependencies: ["ModelHub", "Digests", "HubServer"], swiftSettings: base),
        .testTarget(name: "HostLimitsTests", dependencies: ["HostLimits"], swiftSettings: base),
        .testTarget(name: "TensorCoreTests", dependencies: ["TensorCore"], swiftSettings: base),
        .testTarget(
            name: "CPUBackendTests", dependencies: ["CPUBackend", "CKernels", "TensorCore"], swiftSettings: base),
        .testTarget(
            name: "CUDABackendTests", dependencies: ["CUDABackend", "CCUDA", "CPUBackend", "TensorCore"],
            swiftSettings: base),
        // Optimised in every configuration: plain references and
        // scans of all sources are loops, ten times slower without.
        .testTarget(
            name: "BackendTests", dependencies: ["TensorCore", "CPUBackend", "CUDABackend"],
            swiftSettings: base + [.unsafeFlags(["-O"])]),
        .testTarget(name: "TidyTests", swiftSettings: base + [.unsafeFlags(["-O"])]),
        .testTarget(
            name: "WeightsTests", dependencies: ["Weights", "TensorCore", "CPUBackend"],
            resources: [.copy("Fixtures")], swiftSettings: base),
        .testTarget(
            name: "ImageCodecsTests", dependencies: ["ImageCodecs"], resources: [.copy("Fixtures")], swiftSettings: base
        ),
        .testTarget(
            name: "LayerFittingTests", dependencies: ["LayerFitting", "ImageCodecs"],
            swiftSettings: base + [.unsafeFlags(["-O"])]),
        .testTarget(
            name: "QwenImageTests",
            dependencies: ["QwenImage", "TensorCore", "Weights", "ImageCodecs", "CPUBackend", "CUDABackend"],
            resources: [.copy("Fixtures")], swiftSettings: base),
        .testTarget(
            name: "CommandTests",
            dependencies: ["mica", "ImageCodecs", "Weights", "TensorCore", "CTLSClient", "HubServer"],
            swiftSettings: base),
        .target(name: "HubServer", dependencies: ["Digests"], path: "Tests/HubServer", swiftSettings: base),
        .testTarget(name: "HTTPProtocolTests", dependencies: ["HTTPProtocol"], swiftSettings: base),
        .target(
            name: "CTLSClient", path: "Tests/CTLSClient",
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .testTarget(
            name: "HTTPTransportTests", dependencies: ["HTTPTransport", "HTTPProtocol", "CTLSClient", logging],
            swiftSettings: base),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "ServiceAPI", "HTTPTransport", "HTTPProtocol", "Jobs", "DurableStorage", "ImageCodecs", "QwenImage",
                "Digests", "service-probe", logging, yams,
            ],
            swiftSettings: base),
    ])
