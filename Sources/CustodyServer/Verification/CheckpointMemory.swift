package import DurableFiles
package import Ledger
package import SystemPackage

/// The last checkpoint that this machine saw of each ledger, kept outside every data directory: a ledger that was rolled
/// back or forked since is found, whoever signed it.
package struct CheckpointMemory: Sendable {
    private let directory: FilePath
    private let fileSystem: any FileSystem

    /// - Parameter directory: Where one small file for each origin lies; made when something is first remembered.
    package init(directory: FilePath, fileSystem: any FileSystem = RealFileSystem()) {
        self.directory = directory
        self.fileSystem = fileSystem
    }

    /// The last checkpoint that was seen of a key's ledger; nil when none was.
    ///
    /// - Parameter formerly: Keys of the same ledger that this one is known to have followed.
    /// - Throws: ``LedgerError`` `fork` when the origin had another key then, and others when the file is not what was
    ///   remembered; `DurableFilesError`.
    package func last(of key: VerifierKey, formerly: [VerifierKey] = []) throws -> Checkpoint? {
        let path = file(of: key)
        guard try fileSystem.exists(path) else { return nil }
        let bytes = try fileSystem.contents(of: path)
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            throw LedgerError(.malformed, "\(path) is no remembered checkpoint; look at it, then remove it")
        }
        let seen = String(decoding: bytes[..<end], as: UTF8.self)
        guard let known = ([key] + formerly).first(where: { $0.description == seen }) else {
            throw LedgerError(.fork, "\(key.name) had another key when it was seen before: see \(path)")
        }
        return try SignedCheckpoint(parsing: Array(bytes[(end + 1)...]), verifiedBy: known).checkpoint
    }

    /// The checkpoint that was remembered of an origin, as a note; nil when none was.
    package func note(ofOrigin origin: String) throws -> [UInt8]? {
        let path = path(ofOrigin: origin)
        guard try fileSystem.exists(path) else { return nil }
        return Array(try fileSystem.contents(of: path).drop { $0 != UInt8(ascii: "\n") }.dropFirst())
    }

    /// The key that was remembered of an origin; nil when none was.
    package func key(ofOrigin origin: String) throws -> VerifierKey? {
        let path = path(ofOrigin: origin)
        guard try fileSystem.exists(path) else { return nil }
        let line = try fileSystem.contents(of: path).prefix { $0 != UInt8(ascii: "\n") }
        return try VerifierKey(parsing: String(decoding: line, as: UTF8.self))
    }

    /// Demands that a verified ledger extends what was seen of it before, and remembers its checkpoint.
    ///
    /// - Returns: the size of the ledger when it was seen before; nil when this is the first time.
    /// - Throws: ``LedgerError`` `fork` when it was rolled back or rewritten; nothing is remembered then.
    package func compare(
        _ source: any TileSource, key: VerifierKey, formerly: [VerifierKey] = []
    ) async throws -> UInt64? {
        let old = try last(of: key, formerly: formerly)
        let verifier = LedgerVerifier(source: source, key: key)
        let origin = Checkpoint(origin: key.name, size: 0, root: MerkleHashing.emptyRoot)
        let current = try await verifier.verifyConsistency(with: old ?? origin)
        if current.checkpoint != old {
            try fileSystem.createDirectory(directory)
            try fileSystem.writeAtomically(
                Array("\(key)\n".utf8) + current.note.bytes, to: file(of: key), permissions: .privateFile)
        }
        return old?.size
    }

    /// Origins are not file names: whatever is not plain in them is written as its bytes in hexadecimal.
    private func file(of key: VerifierKey) -> FilePath { path(ofOrigin: key.name) }

    package func path(ofOrigin origin: String) -> FilePath {
        let name = origin.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                String(UnicodeScalar(byte))
            default: "_" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
        return directory.appending(name + ".checkpoint")
    }
}
