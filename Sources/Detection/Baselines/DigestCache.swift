/// Digests of values that came lately: most events name few people, sources and packages, and a digest costs more than all
/// else that a baseline does. It has no part in what an operator finds.
struct DigestCache {
    private static let slots = 256
    /// Longer values are too rare to keep.
    private static let maximumBytes = 512

    private var entries: [(bytes: [UInt8], digest: ValueDigest)?] = Array(repeating: nil, count: DigestCache.slots)

    /// The digest of some values, in folded case.
    mutating func digest(_ parts: [[UInt8]]) -> ValueDigest {
        var bytes: [UInt8] = []
        for part in parts {
            // Lengths keep parts apart, as in the digest.
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: part.count)) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: part)
        }
        guard bytes.count <= Self.maximumBytes else { return ValueDigest(parts) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let slot = Int((hash ^ (hash >> 32)) % UInt64(Self.slots))
        if let entry = entries[slot], entry.bytes == bytes { return entry.digest }
        let digest = ValueDigest(parts)
        entries[slot] = (bytes, digest)
        return digest
    }
}
