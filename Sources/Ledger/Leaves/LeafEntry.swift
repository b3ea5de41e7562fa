/// The record that the ledger commits to for each leaf: 44 bytes, nothing personal in them.
///
/// Version (1 byte, always 1) ‖ kind (1) ‖ retention class (2, big-endian) ‖ received, milliseconds since 1970 (8,
/// big-endian) ‖ event root (32). An entry of an entry bundle is these bytes; the leaf hash is over them.
package struct LeafEntry: Hashable, Sendable {
    /// The number of bytes in an entry.
    package static let byteCount = 44
    /// The version that this format has in an entry's first byte.
    package static let version: UInt8 = 1

    /// What the leaf records.
    package let kind: LeafKind
    /// The retention class of what is behind the commitment.
    package let retentionClass: UInt16
    /// When it was received, in milliseconds since 1970-01-01T00:00:00Z.
    package let received: UInt64
    /// The commitment: see ``EventCommitment``.
    package let root: TreeHash

    package init(kind: LeafKind, retentionClass: UInt16, received: UInt64, root: TreeHash) {
        self.kind = kind
        self.retentionClass = retentionClass
        self.received = received
        self.root = root
    }

    /// Reads an entry.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` for another length or version.
    package init(_ bytes: UnsafeRawBufferPointer) throws {
        guard bytes.count == Self.byteCount else {
            throw LedgerError(.malformed, "an entry has \(Self.byteCount) bytes, not \(bytes.count)")
        }
        guard bytes[0] == Self.version else {
            throw LedgerError(.malformed, "entry version \(bytes[0]) is not known")
        }
        kind = LeafKind(rawValue: bytes[1])
        retentionClass = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        received = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
        root = TreeHash(copying: UnsafeRawBufferPointer(rebasing: bytes[12...]))
    }

    /// The 44 bytes.
    package var bytes: [UInt8] { withBytes { Array($0) } }

    /// The leaf hash, `SHA-256(0x00 ‖ entry)`.
    package var leafHash: TreeHash { withBytes { MerkleHashing.leaf($0) } }

    /// Calls `body` with the 44 bytes, which must not be used after it returns. Allocates nothing on the heap.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 4) { entry in
            entry[0] = Self.version
            entry[1] = kind.rawValue
            entry.storeBytes(of: retentionClass.bigEndian, toByteOffset: 2, as: UInt16.self)
            entry.storeBytes(of: received.bigEndian, toByteOffset: 4, as: UInt64.self)
            entry.storeBytes(of: root, toByteOffset: 12, as: TreeHash.self)
            return try body(UnsafeRawBufferPointer(entry))
        }
    }
}
