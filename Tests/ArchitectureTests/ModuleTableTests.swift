import Foundation
import Testing

/// The module table of docs/architecture.md, held against Package.swift and every `import` line.
@Suite("The module table")
struct ModuleTableTests {
    /// Of each module in the table's order, what it may import besides what everybody may.
    static let table: [(module: String, imports: Set<String>)] = [
        ("CSimdJSON", []), ("CRE2", []), ("CSHA256", []), ("CTextMasks", []), ("CSpawn", []),
        ("CPrefetch", []), ("CZstd", []), ("CZlib", []),
        ("Digests", ["CSHA256", "Crypto"]),
        ("EventModel", ["CSimdJSON"]),
        ("DurableFiles", ["SystemPackage"]),
        ("Ledger", ["Digests", "DurableFiles", "Crypto", "SystemPackage"]),
        ("Journal", ["Digests", "DurableFiles", "CZstd", "SystemPackage"]),
        ("QueryLanguage", ["EventModel", "CRE2"]),
        ("AccessControl", ["EventModel", "QueryLanguage"]),
        (
            "EventStore",
            [
                "Digests", "EventModel", "QueryLanguage", "AccessControl", "Journal", "DurableFiles", "Crypto", "CZstd",
                "CRE2", "CTextMasks", "CPrefetch", "SystemPackage",
            ]
        ),
        ("Identity", ["EventModel", "AccessControl", "JWTKit", "X509", "Crypto", "GRDB"]),
        ("Connectors", ["EventModel", "Identity", "Crypto", "CryptoExtras", "CRE2", "Yams"]),
        ("Intake", ["Digests", "EventModel", "Connectors", "Journal", "Ledger", "EventStore", "CPrefetch", "Crypto"]),
        ("Detection", ["EventModel", "QueryLanguage", "EventStore", "CPrefetch", "Crypto", "CRE2", "Yams", "GRDB"]),
        ("Provenance", ["EventModel", "Ledger", "DurableFiles", "Crypto", "X509", "SwiftASN1", "Yams", "GRDB"]),
        (
            "Delivery",
            [
                "CSpawn", "EventModel", "Detection", "Crypto", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix",
                "NIOSSL",
                "GRDB",
            ]
        ),
        ("CustodyServer", everythingAbove.union(libraries)),
        ("custody", everythingAbove.union(libraries).union(["CustodyServer", "ArgumentParser"])),
    ]

    private static let everythingAbove: Set<String> = [
        "CZstd", "CZlib", "Digests", "EventModel", "DurableFiles", "Ledger", "Journal", "QueryLanguage",
        "AccessControl", "EventStore", "Identity", "Connectors", "Intake", "Detection", "Provenance", "Delivery",
    ]
    private static let libraries: Set<String> = [
        "Crypto", "GRDB", "Yams", "SystemPackage", "Hummingbird", "HummingbirdCore", "HummingbirdTLS", "HTTPTypes",
        "NIOCore", "NIOPosix", "NIOHTTP1", "NIOHTTPTypes", "NIOSSL", "Mustache", "SwiftProtobuf", "AsyncHTTPClient",
        "ServiceLifecycle", "UnixSignals",
    ]
    /// What every module may import.
    private static let everybody: Set<String> = [
        "Foundation", "Synchronization", "Logging", "Metrics", "Tracing", "Glibc", "Darwin", "Musl", "Dispatch",
        "Swift",
    ]

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private func swiftFiles(below directory: URL) -> [URL] {
        let walk = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        return (walk?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
    }

    private func imports(in text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            var words = line.split(separator: " ")
            while let first = words.first,
                ["package", "public", "internal", "private", "fileprivate"].contains(first) || first.hasPrefix("@")
            {
                words.removeFirst()
            }
            guard words.first == "import", words.count > 1 else { return nil }
            let kinds: Set<Substring> = ["struct", "class", "enum", "func", "var", "let", "protocol", "typealias"]
            let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return name.split(separator: ".").first.map(String.init)
        }
    }

    @Test("Every import is one that the table allows", arguments: table.map(\.module))
    func importsFollowTheTable(module: String) throws {
        let allowed = try #require(Self.table.first { $0.module == module }).imports.union(Self.everybody)
        for file in swiftFiles(below: Self.root.appendingPathComponent("Sources/\(module)")) {
            for name in imports(in: try String(contentsOf: file, encoding: .utf8)) {
                #expect(allowed.contains(name), "\(module)/\(file.lastPathComponent) imports \(name)")
            }
        }
    }

    @Test("The table lets a module import only modules above it")
    func tableIsOrdered() {
        let order = Self.table.map(\.module)
        for (position, entry) in Self.table.enumerated() {
            for name in entry.imports {
                guard let other = order.firstIndex(of: name) else { continue }
                #expect(other < position, "\(entry.module) imports \(name), which is not above it")
            }
        }
    }

    @Test("Every directory of sources is a module of the table, and the other way round")
    func nothingIsMissing() throws {
        let sources = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("Sources").path)
        #expect(Set(sources) == Set(Self.table.map(\.module)))
    }

    @Test("Package.swift declares every module, in the table's order")
    func packageFollowsTheTable() throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        var from = text.startIndex
        // The C shims come first, each in a declaration of its own.
        for module in Self.table.map(\.module)
        where ![
            "CSimdJSON", "CRE2", "CSHA256", "CTextMasks", "CSpawn", "CPrefetch", "CZstd", "CZlib",
        ].contains(module) {
            let declarations = [
                "module(\"\(module)\"", "module(\n            \"\(module)\"", "name: \"\(module)\",\n            dep",
            ]
            let places = declarations.compactMap { text.range(of: $0, range: from..<text.endIndex) }
            let place = try #require(places.first, "\(module) is not declared, or not in its place")
            from = place.upperBound
        }
    }

    /// It reads beyond the directory's buffer when some 1,350 descriptors are open, and then the server may die.
    @Test("No module of the server starts programs by Foundation's Process")
    func processIsForTheCommand() throws {
        for module in Self.table.map(\.module) where module != "custody" {
            for file in swiftFiles(below: Self.root.appendingPathComponent("Sources/\(module)")) {
                let text = try String(contentsOf: file, encoding: .utf8)
                #expect(!text.contains(" Process()"), "\(module)/\(file.lastPathComponent)")
            }
        }
    }

    @Test("No source file is longer than 500 lines")
    func filesAreShort() throws {
        for file in swiftFiles(below: Self.root.appendingPathComponent("Sources")) {
            let lines = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 501, "\(file.lastPathComponent) has \(lines.count) lines")
        }
    }
}
