/// The C2SP form of up to 256 entries: each with its length before it, 16 bits big-endian.
package enum EntryBundle {
    /// The bytes that one of our entries takes in a bundle.
    package static let entryStride = 2 + LeafEntry.byteCount

    /// The bundle of these entries.
    package static func encode(_ entries: some Collection<LeafEntry>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * entryStride)
        for entry in entries {
            bytes.append(0)
            bytes.append(UInt8(LeafEntry.byteCount))
            entry.withBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// The leaf hashes of a bundle's entries, which may be of any length and content.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` with the offset, unless the bytes are exactly `count` entries.
    package static func leafHashes(_ bytes: [UInt8], count: Int) throws -> [TreeHash] {
        var hashes: [TreeHash] = []
        hashes.reserveCapacity(count)
        try forEachEntry(bytes, count: count) { hashes.append(MerkleHashing.leaf($0)) }
        return hashes
    }

    /// The entries of a bundle of our own format.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` unless the bytes are exactly `count` entries of our format.
    package static func decode(_ bytes: [UInt8], count: Int) throws -> [LeafEntry] {
        var entries: [LeafEntry] = []
        entries.reserveCapacity(count)
        try forEachEntry(bytes, count: count) { entries.append(try LeafEntry($0)) }
        return entries
    }

    /// The first `count` entries of a bundle that has more.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` when it does not have as many.
    static func prefix(_ bytes: [UInt8], count: Int) throws -> [UInt8] {
        let end = offset(ofEntry: count, in: bytes)
        guard end <= bytes.count else { throw LedgerError(.malformed, "bundle has fewer than \(count) entries") }
        return Array(bytes.prefix(end))
    }

    /// The byte at which an entry begins; beyond the end when the bundle is cut short.
    static func offset(ofEntry entry: Int, in bytes: [UInt8]) -> Int {
        var offset = 0
        for _ in 0..<entry {
            guard offset + 2 <= bytes.count else { return bytes.count + 1 }
            offset += 2 + (Int(bytes[offset]) << 8 | Int(bytes[offset + 1]))
        }
        return offset
    }

    private static func forEachEntry(
        _ bytes: [UInt8], count: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try bytes.withUnsafeBytes { raw in
            var offset = 0
            for entry in 0..<count {
                guard offset + 2 <= raw.count else {
                    throw LedgerError(.malformed, "bundle ends at byte \(raw.count), before entry \(entry) of \(count)")
                }
                let length = Int(raw[offset]) << 8 | Int(raw[offset + 1])
                let start = offset + 2
                guard start + length <= raw.count else {
                    throw LedgerError(.malformed, "entry \(entry) at byte \(offset) reaches past the end of its bundle")
                }
                try body(UnsafeRawBufferPointer(rebasing: raw[start..<start + length]))
                offset = start + length
            }
            guard offset == raw.count else {
                throw LedgerError(.malformed, "bundle has bytes after its last entry, from byte \(offset)")
            }
        }
    }
}
