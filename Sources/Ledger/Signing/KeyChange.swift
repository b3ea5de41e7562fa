package import DurableFiles
package import SystemPackage

/// The log's statement that another key signs for it from a tree on: signed by the old key and by the new one.
///
/// A signed note of seven lines: `custody-key-change/v1`, the old vkey, the new vkey, size and base64 root of the tree that
/// the new key signs first, seconds since 1970, and a reason. When both keys have one name, the log goes on under its
/// origin; otherwise another log begins with that tree, because the old one could not go on without contradicting itself.
/// No checkpoint's and no receipt's second line is a vkey, so none can be read as the other.
package struct KeyChange: Hashable, Sendable {
    /// The first line.
    package static let header = "custody-key-change/v1"
    /// The longest reason in bytes: a sentence for people.
    package static let maximumReason = 500
    /// Changes of one ledger that are followed: one a week for twenty years.
    package static let maximumChanges = 1_000

    package let old: VerifierKey
    package let new: VerifierKey
    package let size: UInt64
    package let root: TreeHash
    /// Seconds since 1970.
    package let time: UInt64
    package let reason: String

    package init(old: VerifierKey, new: VerifierKey, size: UInt64, root: TreeHash, time: UInt64, reason: String) throws
    {
        guard !reason.isEmpty, reason.utf8.count <= Self.maximumReason,
            reason.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else {
            throw LedgerError(.malformed, "a reason is one line of 1 to \(Self.maximumReason) bytes")
        }
        self.old = old
        self.new = new
        self.size = size
        self.root = root
        self.time = time
        self.reason = reason
    }

    /// Reads a statement and verifies both signatures.
    ///
    /// - Throws: ``LedgerError/Code/malformed``, ``LedgerError/Code/signatureInvalid``
    package init(parsing bytes: [UInt8]) throws {
        let note = try SignedNote(parsing: bytes)
        let lines = String(decoding: note.text.dropLast(), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 7, lines[0] == Self.header, let size = StrictDecimal.decode(lines[3]),
            let root = StrictBase64.decode(lines[4]).flatMap({ TreeHash($0) }),
            let time = StrictDecimal.decode(lines[5])
        else { throw LedgerError(.malformed, "the note is no key change") }
        try self.init(
            old: VerifierKey(parsing: lines[1]), new: VerifierKey(parsing: lines[2]), size: size, root: root,
            time: time, reason: String(lines[6]))
        guard Set(try note.verified(by: [old, new])) == [old, new] else {
            throw LedgerError(.signatureInvalid, "a key change is signed by the old and by the new key")
        }
    }

    /// The statement as a note signed by both keys.
    package func signed(by oldSigner: any NoteSigner, and newSigner: any NoteSigner) throws -> [UInt8] {
        let root = root.withUnsafeBytes { StrictBase64.encode($0) }
        let text = Array("\(Self.header)\n\(old)\n\(new)\n\(size)\n\(root)\n\(time)\n\(reason)\n".utf8)
        var note = try SignedNote(signing: text, with: oldSigner)
        note.signatures += try SignedNote(signing: text, with: newSigner).signatures
        return note.bytes
    }

    /// Whether the log keeps its origin.
    package var isRotation: Bool { old.name == new.name }
}

/// The key changes of a ledger, `keys/1`, `keys/2` … beside its checkpoint, oldest first.
package enum KeyHistory {
    /// The path of a change, from the ledger's root, counted from 1.
    package static func path(_ number: Int) -> String { "keys/\(number)" }

    /// The keys that follow from one that is trusted: it, the key it was changed for, and so on. A change to another origin
    /// is not followed: it is another log, which whoever trusts has to accept himself.
    ///
    /// - Parameter fetch: gives the bytes at a path, `nil` when there is nothing.
    /// - Throws: ``LedgerError`` when a change is not signed by both keys; what `fetch` throws.
    package static func keys(
        after trusted: VerifierKey, fetch: (String) async throws -> [UInt8]?
    ) async throws -> [VerifierKey] {
        var keys = [trusted]
        for number in 1...KeyChange.maximumChanges {
            guard let bytes = try await fetch(path(number)) else { break }
            let change = try KeyChange(parsing: bytes)
            if change.old == keys[keys.count - 1], change.isRotation { keys.append(change.new) }
        }
        return keys
    }

    /// The keys before a ledger's key, across changes of its origin too, the latest first. They are what the ledger says of
    /// itself: whether a change is trusted is decided by whoever begins with a key.
    ///
    /// - Parameter changes: statements in any order; what is no statement of two keys counts for nothing.
    package static func predecessors(of key: VerifierKey, in changes: [[UInt8]]) -> [VerifierKey] {
        let changes = changes.compactMap { try? KeyChange(parsing: $0) }
        var keys = [key]
        while let change = changes.first(where: { $0.new == keys[keys.count - 1] }), !keys.contains(change.old) {
            keys.append(change.old)
        }
        return Array(keys.dropFirst())
    }

    /// The changes that a ledger's directory holds.
    package static func read(_ ledger: FilePath, fileSystem: any FileSystem) throws -> [[UInt8]] {
        var changes: [[UInt8]] = []
        while changes.count < KeyChange.maximumChanges {
            let file = ledger.appending(path(changes.count + 1))
            guard try fileSystem.exists(file) else { break }
            changes.append(try fileSystem.contents(of: file))
        }
        return changes
    }

    /// Adds a change to a ledger's directory, durably.
    package static func add(_ change: [UInt8], to ledger: FilePath, fileSystem: any FileSystem) throws {
        let count = try read(ledger, fileSystem: fileSystem).count
        guard count < KeyChange.maximumChanges else {
            throw LedgerError(.outOfRange, "a ledger has at most \(KeyChange.maximumChanges) key changes")
        }
        try fileSystem.createDirectory(ledger.appending("keys"))
        try fileSystem.writeAtomically(change, to: ledger.appending(path(count + 1)), permissions: .privateFile)
    }
}
