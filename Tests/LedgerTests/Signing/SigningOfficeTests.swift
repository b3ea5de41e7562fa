import DurableFiles
import SystemPackage
import Testing

@testable import Ledger

@Suite("Changing the ledger's key")
struct SigningOfficeTests {
    /// One data directory with a guard.
    private struct Installation {
        let disk: FaultingFileSystem
        var keys: FilePath { "/data/keys" }
        var ledger: FilePath { "/data/ledger" }

        init(_ disk: FaultingFileSystem) throws {
            self.disk = disk
            try disk.createDirectory(keys)
            try disk.createDirectory(ledger)
            if try !disk.exists(keys.appending("ledger.key")) {
                try LedgerKey(name: "custody/0123abcd", seed: Array(0..<32))
                    .write(to: keys.appending("ledger.key"), in: disk)
            }
        }

        var office: SigningOffice {
            SigningOffice(keys: keys, ledger: ledger, guardDirectory: "/guard", fileSystem: disk)
        }

        func open() throws -> LedgerWriter {
            let key = try office.currentKey()
            let previous = try SigningOffice.previous(.init(keys: keys), fileSystem: disk)
                .flatMap { $0.key.verifierKey == key.verifierKey ? nil : $0.key }
            return try LedgerWriter(
                directory: ledger, fileSystem: disk, signer: key, earlier: previous.map { [$0] } ?? [],
                memory: SignerGuard(directory: "/guard", fileSystem: disk, key: key.verifierKey))
        }

        func grow(to size: UInt64) throws -> SignedCheckpoint {
            let writer = try open()
            try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
            return try writer.publish()
        }

        func rotate() throws {
            var generator = SystemRandomNumberGenerator()
            _ = try office.rotate(reason: "scheduled", now: 1000, overlapUntil: 2000, using: &generator)
        }
    }

    @Test("Both keys sign during the overlap, then the new one alone, and whoever knows the old one follows")
    func rotation() async throws {
        let installation = try Installation(FaultingFileSystem(seed: 1))
        let old = try installation.office.currentKey().verifierKey
        _ = try installation.grow(to: 300)
        try installation.rotate()
        let new = try installation.office.currentKey().verifierKey
        #expect(new != old && new.name == old.name)
        let writer = try installation.open()
        try writer.append(TreeOfLeaves.entries(300..<400), at: 300)
        let both = try writer.publish()
        #expect(try both.note.verified(by: [old]) == [old])
        #expect(try both.note.verified(by: [new]) == [new])
        writer.retireEarlierKeys()
        try writer.append(TreeOfLeaves.entries(400..<500), at: 400)
        let alone = try writer.publish()
        #expect(throws: LedgerError.self) { try alone.note.verified(by: [old]) }
        let followed = try await writer.reader.keys(after: old)
        #expect(followed == [old, new])
        #expect(try await writer.reader.keys(after: new) == [new])
        let verified = try await LedgerVerifier(source: writer.reader, key: followed[1]).verify()
        #expect(verified.isIntact)
        // The static export has the statements too.
        try await StaticExport.write(
            writer.reader, of: #require(writer.reader.latest), to: "/export", fileSystem: installation.disk)
        let export = DirectoryTileSource(directory: "/export", fileSystem: installation.disk)
        #expect(try await export.keys(after: old) == [old, new])
    }

    @Test("A statement that only one key signed, or whose text was changed, is not followed")
    func forgedStatement() async throws {
        let (a, b) = (
            try LedgerKey(name: "custody/0123abcd", seed: Array(0..<32)),
            try LedgerKey(name: "custody/0123abcd", seed: Array(1..<33))
        )
        let change = try KeyChange(
            old: a.verifierKey, new: b.verifierKey, size: 3, root: .zero, time: 7, reason: "why not")
        let good = try change.signed(by: a, and: b)
        #expect(try KeyChange(parsing: good) == change)
        for bad in [
            try change.signed(by: b, and: b), try change.signed(by: a, and: a),
            Array(String(decoding: good, as: UTF8.self).replacing("why", with: "how").utf8),
            try SignedCheckpoint(signing: Checkpoint(origin: "custody/0123abcd", size: 1, root: .zero), with: a).note
                .bytes,
        ] {
            #expect(throws: LedgerError.self) { try KeyChange(parsing: bad) }
            await #expect(throws: LedgerError.self) {
                try await KeyHistory.keys(after: a.verifierKey) { $0 == "keys/1" ? bad : nil }
            }
        }
        #expect(throws: LedgerError.self) { try SignedCheckpoint(parsing: good, verifiedBy: a.verifierKey) }
        #expect(throws: LedgerError.self) { try Receipt(parsing: good, verifiedBy: a.verifierKey) }
        for reason in ["", "two\nlines", String(repeating: "x", count: 501)] {
            #expect(throws: LedgerError.self) {
                try KeyChange(
                    old: a.verifierKey, new: b.verifierKey, size: 0, root: .zero, time: 0, reason: reason)
            }
        }
    }

    @Test("Power loss at any operation of a change leaves the old key or, after another try, the new one")
    func crash() throws {
        var operation = 1
        while true {
            let disk = FaultingFileSystem(seed: UInt64(operation))
            let installation = try Installation(disk)
            let old = try installation.office.currentKey().verifierKey
            _ = try installation.grow(to: 300)
            disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            let isFinished = (try? installation.rotate()) != nil
            disk.restartMachine()
            if try installation.office.currentKey().verifierKey == old { try installation.rotate() }
            let new = try installation.office.currentKey().verifierKey
            #expect(new != old, "operation \(operation)")
            let signed = try installation.grow(to: 310)
            #expect(Set(try signed.note.verified(by: [old, new])) == [old, new], "operation \(operation)")
            #expect(try KeyHistory.read(installation.ledger, fileSystem: disk).count == 1, "operation \(operation)")
            if isFinished { break }
            operation += 1
        }
        #expect(operation > 15)
    }

    @Test("A ledger that lost leaves goes on as another log, and nobody follows by himself")
    func succession() async throws {
        let disk = FaultingFileSystem(seed: 3)
        let installation = try Installation(disk)
        let old = try installation.office.currentKey()
        _ = try installation.grow(to: 300)
        // The guard saw more than what the backup has.
        try SignerGuard.replace(
            .init(
                checkpoint: Checkpoint(origin: old.verifierKey.name, size: 900, root: .zero), key: old.verifierKey),
            in: "/guard", fileSystem: disk)
        #expect(throws: LedgerError.self) { try installation.grow(to: 310) }
        #expect(throws: LedgerError.self) { try installation.rotate() }
        #expect(throws: LedgerError.self) { try installation.office.vouch() }
        var generator = SystemRandomNumberGenerator()
        let statement = try installation.office.succeed(
            origin: "custody/89abcdef", reason: "the disk died; the backup lacks 600 leaves", now: 1, using: &generator)
        let change = try KeyChange(parsing: statement)
        #expect(!change.isRotation && change.size == 300 && change.old == old.verifierKey)
        #expect(try installation.grow(to: 310).checkpoint.origin == "custody/89abcdef")
        let reader = try installation.open().reader
        #expect(try await reader.keys(after: old.verifierKey) == [old.verifierKey])
        #expect(try await LedgerVerifier(source: reader, key: change.new).verify().isIntact)
        #expect(try disk.list(installation.keys).contains { $0.hasPrefix("ledger.key.retired-") })
    }

    @Test("A lost guard goes on from what is published once somebody vouches for it")
    func vouching() throws {
        let disk = FaultingFileSystem(seed: 4)
        let installation = try Installation(disk)
        let writer = try LedgerWriter(
            directory: installation.ledger, fileSystem: disk, signer: try installation.office.currentKey())
        try writer.append(TreeOfLeaves.entries(0..<300), at: 0)
        try writer.publish()
        #expect(throws: LedgerError.self) { try installation.grow(to: 310) }
        #expect(try installation.office.vouch().size == 300)
        #expect(try installation.grow(to: 310).checkpoint.size == 310)
    }
}
