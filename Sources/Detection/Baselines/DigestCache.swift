import EventModel

/// Digests of values that came lately: most events name few people, sources and packages, and a digest costs more than all
/// else that a baseline does. It has no part in what an operator finds.
struct DigestCache {
    private static let slots = 256
    /// Longer values are too rare to keep.
    private static let maximumBytes = 512

    private struct Entry {
        let hash: UInt64
        let bytes: [UInt8]
        let digest: ValueDigest
    }

    /// Made with the first digest: most operators never ask.
    private var entries: [Entry?] = []
    /// The values at hand, each behind its length, which keeps them apart as in the digest.
    private var key: [UInt8] = []

    /// The digest of the values at some places, in folded case.
    mutating func digest(_ values: ValueSpans, _ places: some Sequence<Int>) -> ValueDigest {
        key.removeAll(keepingCapacity: true)
        for place in places {
            values.withValue(place) { value in
                withUnsafeBytes(of: UInt32(truncatingIfNeeded: value.count)) { key.append(contentsOf: $0) }
                key.append(contentsOf: value)
            }
        }
        guard key.count <= Self.maximumBytes else { return ValueDigest(values, places) }
        let hash = key.withUnsafeBytes { ByteHash.hash($0, seed: 0) }
        let slot = Int(truncatingIfNeeded: hash % UInt64(Self.slots))
        if entries.isEmpty { entries = Array(repeating: nil, count: Self.slots) }
        if let entry = entries[slot], entry.hash == hash, entry.bytes == key { return entry.digest }
        let digest = ValueDigest(values, places)
        entries[slot] = Entry(hash: hash, bytes: key, digest: digest)
        return digest
    }
}
