/// A salt seed as a frame holds it. (docs/format, "Journal", part "Seeds".)
enum StoredSeed {
    static let bytes = 48

    static func append(_ key: SeedTable.Key, root: Bytes32, to bytes: inout [UInt8]) {
        bytes.append(littleEndian: key.bundle)
        bytes.append(littleEndian: key.partition.day)
        bytes.append(littleEndian: key.partition.retentionClass)
        bytes.append(littleEndian: UInt16(0))
        root.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Reads one seed. Nil when its unused bytes are not zero.
    static func read(_ bytes: UnsafeRawBufferPointer) -> (key: SeedTable.Key, seed: SaltSeed)? {
        guard bytes.littleEndian(UInt16.self, at: 14) == 0 else { return nil }
        let partition = JournalPartition(day: bytes.littleEndian(at: 8), retentionClass: bytes.littleEndian(at: 12))
        let key = SeedTable.Key(bundle: bytes.littleEndian(at: 0), partition: partition)
        return (key, SaltSeed(root: Bytes32(bytes.part(16..<48))))
    }
}
