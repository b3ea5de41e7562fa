// swift-tools-version: 6.2
import PackageDescription

// A package of its own, without dependencies: it drives the release build of `custody` from outside.
let package = Package(
    name: "custody-benchmarks",
    platforms: [.macOS(.v15)],
    targets: [
        .executableTarget(name: "CustodyBenchmarks", swiftSettings: [.treatAllWarnings(as: .error)])
    ],
    swiftLanguageModes: [.v6]
)
