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

/// Tests read their fixtures where they lie in the repository, so that nothing has to be copied.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    let fixtures = ["Connectors", "Detection", "Journal", "Ledger"].contains(name) ? ["Fixtures"] : []
    return .testTarget(
        name: name + "Tests",
        dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies,
        exclude: fixtures,
        swiftSettings: swiftSettings)
}

let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
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
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
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
        .target(name: "CSHA256"),
        .target(name: "CTextMasks"),
        .target(name: "CSpawn"),
        .target(name: "CPrefetch"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        module("Digests", ["CSHA256", crypto]),
        module("EventModel", ["CSimdJSON"]),
        module("DurableFiles", [systemPackage]),
        module("Ledger", ["Digests", "DurableFiles", crypto, systemPackage]),
        module("Journal", ["Digests", "DurableFiles", systemPackage, "CZstd"]),
        module("QueryLanguage", ["EventModel", "CRE2"]),
        module("AccessControl", ["EventModel", "QueryLanguage"]),
        module(
            "EventStore",
            [
                "Digests", "EventModel", "QueryLanguage", "AccessControl", "Journal", "DurableFiles", crypto,
                systemPackage, "CZstd", "CRE2", "CTextMasks", "CPrefetch",
            ]),
        module("Identity", ["EventModel", "AccessControl", crypto, grdb]),
        module(
            "Connectors", ["EventModel", crypto, cryptoExtras, "CRE2", yams],
            resources: [.embedInCode("Catalogue")]),
        module(
            "Intake",
            ["Digests", "EventModel", "Connectors", "Journal", "Ledger", "EventStore", "CPrefetch", crypto]),
        module(
            "Detection", ["EventModel", "QueryLanguage", "EventStore", "CPrefetch", crypto, "CRE2", yams, grdb],
            resources: [.embedInCode("Rules"), .embedInCode("Incidents")]),
        module("Provenance", ["EventModel"]),
        module(
            "Delivery",
            [
                "CSpawn", "EventModel", "Detection", crypto, asyncHTTPClient, nio, nioHTTP1, nioPosix,
                .product(name: "NIOSSL", package: "swift-nio-ssl"), grdb, logging,
            ]),
        module(
            "CustodyServer",
            [
                "EventModel", "DurableFiles", "Ledger", "Journal", "QueryLanguage", "AccessControl", "EventStore",
                "Identity", "Connectors", "Intake", "Detection", "Provenance", "Delivery",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Mustache", package: "swift-mustache"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                asyncHTTPClient, crypto, grdb, httpTypes, logging, nio, nioHTTP1, nioPosix, systemPackage, yams,
                "CZstd",
                "CZlib",
            ],
            resources: [.embedInCode("Assets")]),
        .executableTarget(
            name: "custody",
            dependencies: [
                "CustodyServer", "EventModel", "DurableFiles", "Ledger", "Journal", "QueryLanguage", "AccessControl",
                "EventStore", "Connectors", "Intake", "Detection", asyncHTTPClient, crypto, logging, nio, nioHTTP1,
                nioPosix, systemPackage, yams,
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),

        .target(
            name: "TestSupport", dependencies: ["EventModel"], path: "Tests/TestSupport",
            swiftSettings: swiftSettings),
        .testTarget(name: "ArchitectureTests", swiftSettings: swiftSettings),
        tests("Digests", [crypto]),
        tests("EventModel"),
        tests("DurableFiles", [systemPackage]),
        tests("Ledger", ["DurableFiles", systemPackage]),
        tests("Journal", ["DurableFiles", systemPackage]),
        tests("QueryLanguage", ["EventModel"]),
        tests("AccessControl", ["EventModel", "QueryLanguage"]),
        tests(
            "EventStore",
            [
                "EventModel", "QueryLanguage", "AccessControl", "Journal", "DurableFiles", "CTextMasks", crypto,
                systemPackage,
            ]),
        tests("Identity", ["EventModel", "AccessControl", crypto, grdb]),
        tests("Connectors", ["EventModel", crypto, cryptoExtras]),
        tests("Intake", ["Connectors", "EventModel", "Journal", "Ledger", "DurableFiles", systemPackage]),
        tests("Detection", ["Connectors", "EventModel", "EventStore", "QueryLanguage", grdb]),
        tests("Provenance", ["EventModel"]),
        tests(
            "CustodyServer",
            [
                "EventModel", "DurableFiles", "Ledger", "Journal", "EventStore", "Intake", "Detection", "Delivery",
                "AccessControl",
                "Identity", "QueryLanguage", "Connectors", crypto, cryptoExtras, grdb, httpTypes, logging, nio,
                nioPosix,
                systemPackage,
                "CZlib",
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ]),
        tests(
            "Delivery",
            [
                "EventModel", "EventStore", "Detection", crypto, grdb, logging, nio, nioHTTP1, nioPosix, yams,
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .testTarget(
            name: "CustodyCommandTests",
            dependencies: [
                "custody", "Connectors", "Detection", "EventModel", "DurableFiles", "Ledger", "CustodyServer",
                httpTypes, logging,
                nio, systemPackage,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            swiftSettings: swiftSettings),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
