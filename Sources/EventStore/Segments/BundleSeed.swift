package import Journal

/// The salt seed of one bundle's events in a segment's partition. It lies only beside the records that it salts and moves
/// with them.
package struct BundleSeed: Equatable, Sendable {
    package let bundle: UInt64
    package let seed: SaltSeed

    package init(bundle: UInt64, seed: SaltSeed) {
        self.bundle = bundle
        self.seed = seed
    }
}

extension BundleSeed {
    /// One subtree: depth, first position, key. docs/format/segment.md §7.
    static let subtreeBytes = 2 + Bytes32.count

    /// Instead of a depth: the salt of a group (its number is added), 16 bytes and 16 zeros.
    private static let saltMark: UInt8 = 0x20
    /// Instead of a depth: the hash of a group that was destroyed.
    private static let hashMark: UInt8 = 0x30

    /// The subtrees, one behind the other: one while the seed is whole. Then what is left of events without a key.
    var encodedSeed: [UInt8] {
        seed.subtrees.flatMap { [$0.depth, $0.firstPosition] + $0.key.array }
            + seed.remains.flatMap { remains in
                remains.parts.enumerated().flatMap { group, part in
                    switch part {
                    case .salt(let salt):
                        [Self.saltMark + UInt8(group), remains.position] + salt
                            + [UInt8](repeating: 0, count: Bytes32.count - salt.count)
                    case .hash(let hash): [Self.hashMark + UInt8(group), remains.position] + hash.array
                    }
                }
            }
    }

    /// Reads ``encodedSeed``; nil when it is none.
    init?(bundle: UInt64, encodedSeed: UnsafeRawBufferPointer) {
        guard encodedSeed.count % Self.subtreeBytes == 0 else { return nil }
        var subtrees: [SaltSeed.Subtree] = []
        var remains: [EventRemains] = []
        var parts: [EventRemains.Part] = []
        for start in stride(from: 0, to: encodedSeed.count, by: Self.subtreeBytes) {
            let key = Bytes32(UnsafeRawBufferPointer(rebasing: encodedSeed[start + 2..<start + Self.subtreeBytes]))
            if encodedSeed[start] >= Self.saltMark {
                guard let part = Self.part(encodedSeed[start], group: parts.count, key.array) else { return nil }
                parts.append(part)
                guard parts.count == EventSalts.groups else { continue }
                guard let rest = EventRemains(position: encodedSeed[start + 1], parts: parts) else { return nil }
                remains.append(rest)
                parts = []
                continue
            }
            guard remains.isEmpty, parts.isEmpty,
                let subtree = SaltSeed.Subtree(
                    depth: encodedSeed[start], firstPosition: encodedSeed[start + 1], key: key)
            else { return nil }
            subtrees.append(subtree)
        }
        guard parts.isEmpty, let seed = SaltSeed(subtrees: subtrees, remains: remains) else { return nil }
        self.bundle = bundle
        self.seed = seed
    }

    private static func part(_ mark: UInt8, group: Int, _ bytes: [UInt8]) -> EventRemains.Part? {
        if mark == hashMark + UInt8(group) { return Bytes32(bytes).map { .hash($0) } }
        guard mark == saltMark + UInt8(group), bytes[EventSalts.saltBytes...].allSatisfy({ $0 == 0 }) else {
            return nil
        }
        return .salt(Array(bytes[..<EventSalts.saltBytes]))
    }
}
