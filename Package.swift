// swift-tools-version: 6.2
import PackageDescription

// The module table of docs/architecture.md, in its order: a target imports only targets above it.
// Tests/ArchitectureTests reads this file and every `import` line and fails on any other edge.

let swiftSettings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies,
        resources: resources,
        swiftSettings: swiftSettings)
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")

let package = Package(
    name: "custody",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "custody", targets: ["custody"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(
            name: "CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),
        .target(
            name: "CRE2",
            linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("stdc++")]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        module("EventModel", ["CSimdJSON"]),
        module("DurableFiles", [systemPackage]),
        module("Ledger", ["DurableFiles", crypto]),
        module("Journal", ["DurableFiles", crypto, "CZstd"]),
        module("QueryLanguage", ["EventModel", "CRE2"]),
        module("AccessControl", ["EventModel", "QueryLanguage"]),
        module(
            "EventStore",
            [
                "EventModel", "QueryLanguage", "AccessControl", "Journal", "DurableFiles", crypto, "CZstd", "CRE2",
                logging, metrics,
            ]),
        module("Identity", ["AccessControl", crypto, grdb]),
        module(
            "Connectors", ["EventModel", "Identity", crypto, "CRE2", yams], resources: [.embedInCode("Catalogue")]),
        module("Intake", ["EventModel", "Connectors", "Journal", "Ledger", "EventStore", crypto, logging, metrics]),
        module(
            "Detection", ["EventModel", "QueryLanguage", "EventStore", crypto, "CRE2", yams, grdb, logging, metrics],
            resources: [.embedInCode("Rules")]),
        module("Provenance", ["EventModel", "Ledger", "DurableFiles", crypto]),
        module(
            "Delivery",
            [
                "EventModel", "Detection", crypto, asyncHTTPClient, grdb, logging, metrics,
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        module(
            "CustodyServer",
            [
                "EventModel", "DurableFiles", "Ledger", "Journal", "QueryLanguage", "AccessControl", "EventStore",
                "Identity", "Connectors", "Intake", "Detection", "Provenance", "Delivery",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                crypto, grdb, httpTypes, logging, systemPackage, yams, "CZstd", "CZlib",
            ]),
        .executableTarget(
            name: "custody",
            dependencies: [
                "CustodyServer", "EventModel", "DurableFiles", "Ledger", "QueryLanguage", "EventStore", "Connectors",
                "Detection", asyncHTTPClient, crypto, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
