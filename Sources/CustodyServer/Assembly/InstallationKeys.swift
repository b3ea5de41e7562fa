import DurableFiles
import Foundation
import Identity
import Ledger
import SystemPackage

/// The secrets of one installation, in DATA/keys, 0600: made on the first start, read on every other.
struct InstallationKeys {
    /// Signs checkpoints and receipts.
    let ledger: LedgerKey
    /// The key before it, while it goes on signing checkpoints, and until when (seconds since 1970).
    let previousLedger: (key: LedgerKey, until: UInt64)?
    /// Keys delivery ids and payload digests in the deduplication table.
    let deduplication: [UInt8]
    /// Encrypts the sources' credentials in the state database.
    let secrets: SecretBox
    /// Opens what relays have sealed for this server; made when it is asked for first.
    let relay: @Sendable () throws -> RelayIdentity

    init(directory: FilePath, fileSystem: any FileSystem) throws {
        var random = SystemRandomNumberGenerator()
        ledger = try LedgerKey.load(
            from: directory.appending("ledger.key"), in: fileSystem, orCreateNamed: Self.newOrigin, using: &random)
        let previous = try SigningOffice.previous(.init(keys: directory), fileSystem: fileSystem)
        // A change of the key that a crash interrupted leaves the key in force as its own predecessor.
        let current = ledger.verifierKey
        previousLedger = previous.flatMap { $0.key.verifierKey == current ? nil : $0 }
        deduplication = try Self.secret("deduplication.key", in: directory, fileSystem)
        secrets = try SecretBox(key: try Self.secret("secrets.key", in: directory, fileSystem))
        relay = { try RelayIdentity.load(directory: directory, fileSystem: fileSystem) }
    }

    /// The ledger's origin: unique without saying whose it is, since checkpoints are public.
    static func newOrigin() -> String {
        let number = UInt32.random(in: .min ... .max)
        let digits = String(number, radix: 16)
        return "custody/" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    private static func secret(
        _ name: String, in directory: FilePath, _ fileSystem: any FileSystem
    ) throws -> [UInt8] {
        let path = directory.appending(name)
        if try fileSystem.exists(path) {
            let bytes = try fileSystem.contents(of: path)
            guard bytes.count == 32 else { throw ConfigurationError("\(path) does not hold 32 bytes") }
            return bytes
        }
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        try fileSystem.writeAtomically(bytes, to: path, permissions: .privateFile)
        return bytes
    }
}
