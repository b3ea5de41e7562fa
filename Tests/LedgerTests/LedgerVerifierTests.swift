import DurableFiles
import Foundation
import SystemPackage
import Testing

@testable import Ledger

@Suite struct LedgerVerifierTests {
    private static let size: UInt64 = 66_100

    /// An export in memory that one file can be changed in.
    private struct Files: TileSource {
        var files: [String: [UInt8]] = [:]

        func checkpoint() throws -> [UInt8] { try file("checkpoint") }
        func bytes(_ path: TilePath) throws -> [UInt8] { try file(path.description) }

        private func file(_ path: String) throws -> [UInt8] {
            guard let bytes = files[path] else { throw LedgerError(.outOfRange, "there is no \(path)") }
            return bytes
        }
    }

    private static func export(_ fixture: LedgerFixture, size: UInt64) async throws -> Files {
        let target = fixture.directory.appending("export")
        let reader = try fixture.build([size]).reader
        try await StaticExport.write(
            reader, of: #require(reader.latest), to: target, fileSystem: fixture.fileSystem)
        var files = Files()
        for path in try FileManager.default.subpathsOfDirectory(atPath: target.string) {
            var isDirectory: ObjCBool = false
            let full = target.appending(path).string
            guard FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory), !isDirectory.boolValue else {
                continue
            }
            files.files[path] = try Array(Data(contentsOf: URL(filePath: full)))
        }
        return files
    }

    private static let tree = TreeOfLeaves(size: Int(size))

    /// The export that most tests damage, made once.
    private static let exported = Task<(files: Files, key: VerifierKey), any Error> {
        let fixture = try LedgerFixture()
        return (try await export(fixture, size: size), fixture.key.verifierKey)
    }

    @Test(
        "What was verified before is not hashed again; the log has to extend it, and later damage is still found",
        arguments: [1, 257, 65_536, 65_792, 66_100] as [UInt64])
    func incremental(known: UInt64) async throws {
        let (files, key) = try await Self.exported.value
        let verifier = LedgerVerifier(source: files, key: key)
        let old = Checkpoint(origin: key.name, size: known, root: Self.tree.root(Int(known)))
        let report = try await verifier.verify(after: old)
        #expect(report.isIntact, "\(report)")
        #expect(report.entries == Self.size)
        let other = Checkpoint(origin: key.name, size: known, root: MerkleHashing.emptyRoot)
        #expect(try await !verifier.verify(after: other).isIntact, "another history before")
        let larger = Checkpoint(origin: key.name, size: Self.size + 1, root: old.root)
        #expect(try await !verifier.verify(after: larger).isIntact, "rolled back")
        var damaged = files
        damaged.files["tile/entries/258.p/52"]?[100] ^= 1
        #expect(try await !LedgerVerifier(source: damaged, key: key).verify(after: old).isIntact)
    }

    @Test("A whole export is verified, from the directory and over any transport")
    func intactExport() async throws {
        let fixture = try LedgerFixture()
        let files = try await Self.export(fixture, size: Self.size)
        // The checkpoint; 258 full and one partial tile and bundle of level 0, one full and one partial of level 1, one of level 2.
        let expected: Int = 1 + 259 * 2 + 2 + 1
        #expect(files.files.count == expected)
        let directory = DirectoryTileSource(
            directory: fixture.directory.appending("export"), fileSystem: fixture.fileSystem)
        let fetched = FetchedTileSource { path in try #require(files.files[path]) }
        for source in [directory, fetched] as [any TileSource] {
            let report = try await LedgerVerifier(source: source, key: fixture.key.verifierKey).verify()
            #expect(report.isIntact)
            #expect(report.entries == Self.size)
            #expect(report.checkpoint?.checkpoint.size == Self.size)
        }
    }

    @Test("A partial tile that is gone is replaced by the full one of a longer log")
    func partialFallsBackToFull() async throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([300])
        let old = try writer.reader.checkpoint()
        try writer.append(TreeOfLeaves.entries(300..<70_000), at: 300)
        try writer.publish()
        let reader = writer.reader
        let source = FetchedTileSource { path in
            guard path != "checkpoint" else { return old }
            guard !path.contains(".p/") || path.hasPrefix("tile/1/") else { throw LedgerError(.outOfRange, "gone") }
            return try reader.bytes(TilePath(parsing: path))
        }
        #expect(try await LedgerVerifier(source: source, key: fixture.key.verifierKey).verify().isIntact)
    }

    @Test(
        "A changed byte is found and its place is named",
        arguments: [
            ("tile/entries/007", 46 * 3 + 20, "tile/entries/007", 46 * 3),
            ("tile/entries/258.p/52", 5, "tile/entries/258.p/52", 0),
            ("tile/entries/100", 0, "tile/entries/100", 0),
            ("tile/0/099", 32 * 8 + 31, "tile/0/099", 32 * 8),
            ("tile/0/258.p/52", 32 * 51, "tile/0/258.p/52", 32 * 51),
            ("tile/1/000", 32 * 200, "tile/1/000", 32 * 200),
            ("tile/1/001.p/2", 32, "tile/1/001.p/2", 32),
            ("tile/2/000.p/1", 0, "tile/2/000.p/1", 0),
        ])
    func alteredFile(path: String, byte: Int, named: String, offset: Int) async throws {
        let (intact, key) = try await Self.exported.value
        var files = intact
        try #require(files.files[path] != nil)
        files.files[path]?[byte] ^= 0x10
        let report = try await LedgerVerifier(source: files, key: key).verify()
        #expect(report.fault?.path == named)
        #expect(report.fault?.offset == offset)
    }

    @Test(
        "A missing, truncated or longer file is found",
        arguments: [
            "tile/entries/007", "tile/0/258.p/52", "tile/2/000.p/1",
        ])
    func missingFile(path: String) async throws {
        let (intact, key) = try await Self.exported.value
        for change in [nil, Array((intact.files[path] ?? []).dropLast()), (intact.files[path] ?? []) + [0]] {
            var files = intact
            files.files[path] = change
            let report = try await LedgerVerifier(source: files, key: key).verify()
            #expect(report.fault?.path == path)
        }
    }

    @Test("Two entries in each other's place are found")
    func swappedEntries() async throws {
        let (intact, key) = try await Self.exported.value
        var files = intact
        let bytes = try #require(files.files["tile/entries/001"])
        files.files["tile/entries/001"] = Array(bytes[46..<92] + bytes[0..<46] + bytes[92...])
        let report = try await LedgerVerifier(source: files, key: key).verify()
        #expect(report.fault?.path == "tile/entries/001")
    }

    @Test("A rewritten log with all its tiles recomputed fails at its checkpoint, and as a fork of an earlier one")
    func rewrittenLog() async throws {
        let fixture = try LedgerFixture()
        var files = try await Self.export(fixture, size: 500)
        let seen = try SignedCheckpoint(parsing: files.checkpoint(), verifiedBy: fixture.key.verifierKey).checkpoint
        let other = try LedgerFixture()
        let writer = try other.open()
        try writer.append(TreeOfLeaves.entries(1..<701), at: 0)
        try writer.publish()
        let target = other.directory.appending("export")
        try await StaticExport.write(
            writer.reader, of: #require(writer.reader.latest), to: target, fileSystem: other.fileSystem)
        let forged = DirectoryTileSource(directory: target, fileSystem: other.fileSystem)
        let verifier = LedgerVerifier(source: forged, key: fixture.key.verifierKey)
        #expect(try await verifier.verify().isIntact)
        await #expect(throws: LedgerError(.fork, "the log of 700 leaves does not extend the checkpoint of 500 leaves"))
        {
            try await verifier.verifyConsistency(with: seen)
        }
        files.files["checkpoint"]?[20] ^= 1
        let report = try await LedgerVerifier(source: files, key: fixture.key.verifierKey).verify()
        #expect(report.fault?.path == "checkpoint")
    }

    @Test("A log that grew is consistent with a checkpoint seen before, one that shrank is not")
    func consistency() async throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([500])
        let seen = try #require(writer.reader.latest).checkpoint
        try writer.append(TreeOfLeaves.entries(500..<70_000), at: 500)
        let latest = try writer.publish()
        let verifier = LedgerVerifier(source: writer.reader, key: fixture.key.verifierKey)
        #expect(try await verifier.verifyConsistency(with: seen) == latest)
        let later = Checkpoint(origin: seen.origin, size: 70_001, root: seen.root)
        await #expect(throws: LedgerError.self) { try await verifier.verifyConsistency(with: later) }
    }

    @Test("A changed byte in any stored file is found by verifying or by opening")
    func alteredStorage() async throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data")
        let fixture = try LedgerFixture(fileSystem: disk, directory: "/data")
        let reader = try fixture.build([Self.size]).reader
        for (file, byte) in [
            ("entries/000000.roots", 32 * 700 + 5), ("entries/000000.roots", 0), ("entries/000000.details", 100),
            ("entries/000000.details", 0), ("entries/000000.bundles", 36 * 3 + 7),
            ("entries/000000.bundles", 36 * 3 + 35), ("levels/2", 9), ("entries/000000.roots", 32 * 66_099 + 1),
        ] {
            let path = FilePath("/data/ledger").appending(file)
            disk.alter(path) { $0[byte] ^= 4 }
            let report = try await LedgerVerifier(source: reader, key: fixture.key.verifierKey).verify()
            #expect(!report.isIntact, "\(file), byte \(byte)")
            disk.alter(path) { $0[byte] ^= 4 }
        }
        disk.alter("/data/ledger/checkpoint") { $0[30] ^= 4 }
        #expect(throws: LedgerError.self) { try fixture.open() }
    }

    @Test("A directory whose files were cut short goes on when the entries are supplied again, and not before")
    func lostEntries() throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data")
        let fixture = try LedgerFixture(fileSystem: disk, directory: "/data")
        try fixture.build([1000])
        disk.alter("/data/ledger/entries/000000.roots") { $0.removeLast(32 * 400) }
        let writer = try fixture.open()
        #expect(writer.durableSize == 512)
        #expect(writer.reader.latest == nil)
        try writer.append(TreeOfLeaves.entries(512..<900), at: 512)
        #expect(throws: LedgerError.self) { try writer.publish() }
        try writer.append(TreeOfLeaves.entries(900..<1100), at: 900)
        #expect(try writer.publish().checkpoint.root == TreeOfLeaves(size: 1100).root(1100))
    }

    @Test("A directory whose lost entries are supplied with other content publishes nothing")
    func forgedEntries() throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data")
        let fixture = try LedgerFixture(fileSystem: disk, directory: "/data")
        try fixture.build([1000])
        disk.alter("/data/ledger/entries/000000.roots") { $0.removeLast(32 * 400) }
        let writer = try fixture.open()
        try writer.append(TreeOfLeaves.entries(513..<1200), at: 512)
        let error = #expect(throws: LedgerError.self) { try writer.publish() }
        #expect(error?.code == .fork)
    }

    @Test("A ledger whose checkpoint was removed does not open, and loses none of its entries")
    func removedCheckpoint() throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data")
        let fixture = try LedgerFixture(fileSystem: disk, directory: "/data")
        try fixture.build([1000])
        let checkpoint = try disk.contents(of: "/data/ledger/checkpoint")
        try disk.remove("/data/ledger/checkpoint")
        let error = #expect(throws: LedgerError.self) { try fixture.open() }
        #expect(error?.code == .corrupt)
        try disk.writeAtomically(checkpoint, to: "/data/ledger/checkpoint")
        #expect(try fixture.open().root == TreeOfLeaves(size: 1000).root(1000))
    }

    @Test("A ledger does not open with another key, nor with another tree under its checkpoint")
    func foreignState() throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data")
        let fixture = try LedgerFixture(fileSystem: disk, directory: "/data")
        try fixture.build([1000])
        let key = try LedgerKey(name: "custody/0123abcd", seed: Array(1..<33))
        #expect(throws: LedgerError(.signatureInvalid, "no known key has signed this note")) {
            try LedgerWriter(directory: "/data/ledger", fileSystem: disk, signer: key)
        }
        disk.alter("/data/ledger/entries/000000.bundles") { $0[40] ^= 1 }
        let error = #expect(throws: LedgerError.self) { try fixture.open() }
        #expect(error?.code == .corrupt)
    }
}
