// swift-tools-version: 6.2
import PackageDescription

/// Fuzzers of everything that reads bytes from outside: `make fuzz TARGET=HTTPFuzzer SECONDS=60`.
///
/// A package of its own, so that the product's build does not carry them. All of it, Mica too, is built with coverage
/// and the address sanitizer, and with internal declarations open to `@testable import`.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let mica: Target.Dependency = .product(name: "MicaModules", package: "mica")

/// The names that `make fuzz` takes.
let fuzzers = [
    "HTTPFuzzer", "MultipartFuzzer", "PictureFuzzer", "RequestFuzzer", "SafetensorsFuzzer", "GGUFFuzzer",
    "PSDFuzzer", "OpenRasterFuzzer", "ArchiveFuzzer",
]

let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "mica", path: "../..")],
    targets: [
        .target(name: "CFuzzer")
    ]
        + fuzzers.map { .executableTarget(name: $0, dependencies: ["CFuzzer", mica], swiftSettings: settings) })
