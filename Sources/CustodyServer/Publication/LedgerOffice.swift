package import DurableFiles
import EventModel
package import Ledger
package import SystemPackage

/// What `custody guard` and `custody key` do, on a data directory that no server has open; each act leaves a leaf for the
/// server's next start to append.
package struct LedgerOffice {
    private let office: SigningOffice
    private let pending: PendingLeaves
    private let now: UInt64
    /// Held for as long as this value lives.
    private let lock: DirectoryLock

    /// - Throws: `DurableFilesError` `directoryLocked` while a server runs on the directory.
    package init(
        data: FilePath, guardDirectory: FilePath, fileSystem: any FileSystem = RealFileSystem(),
        now: UInt64 = WallClock.seconds()
    ) throws {
        lock = try fileSystem.lock(directory: data)
        office = SigningOffice(
            keys: data.appending("keys"), ledger: data.appending("ledger"), guardDirectory: guardDirectory,
            fileSystem: fileSystem)
        pending = PendingLeaves(data: data, fileSystem: fileSystem)
        self.now = now
    }

    /// The key, the published checkpoint, and what the guard remembers.
    package func state() throws -> (key: VerifierKey, published: Checkpoint, memory: SignerGuard.Memory?) {
        let (published, memory) = try office.state()
        return (try office.currentKey().verifierKey, published.checkpoint, memory)
    }

    /// Vouches for a ledger whose guard was lost. The reason becomes a leaf.
    package func vouch(reason: String) throws -> Checkpoint {
        let key = try office.currentKey().verifierKey
        let (published, memory) = try office.state()
        // What is refused leaves no record.
        guard memory == nil else { return try office.vouch() }
        let checkpoint = published.checkpoint
        // The record first: an act without it must not be possible.
        try pending.add(
            .incident, action: "ledger.guard_accept",
            payload: Self.payload(
                "custody-guard-accept/1",
                [
                    ("vkey", key.description), ("size", "\(checkpoint.size)"), ("root", checkpoint.root.hex),
                    ("time", "\(now)"), ("reason", reason),
                ]))
        return try office.vouch()
    }

    /// Changes the key, with an overlap in days.
    package func rotate(reason: String, overlapDays: Int) throws -> VerifierKey {
        var random = SystemRandomNumberGenerator()
        let change = try office.rotate(
            reason: reason, now: now, overlapUntil: now + UInt64(overlapDays) * 86_400, using: &random)
        try pending.add(.keyChange, action: "ledger.key_change", payload: Self.statement(change))
        return try office.currentKey().verifierKey
    }

    /// Begins another log with the published tree.
    package func succeed(reason: String) throws -> VerifierKey {
        var random = SystemRandomNumberGenerator()
        let change = try office.succeed(
            origin: InstallationKeys.newOrigin(), reason: reason, now: now, using: &random)
        try pending.add(.incident, action: "ledger.key_succeed", payload: Self.statement(change))
        return try office.currentKey().verifierKey
    }

    private static func statement(_ note: [UInt8]) -> [UInt8] {
        payload(KeyChange.header, [("statement", String(decoding: note, as: UTF8.self))])
    }

    private static func payload(_ format: String, _ members: [(String, String)]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("format", format)
            for (name, value) in members { json.member(name, value) }
        }
        return json.bytes
    }
}
