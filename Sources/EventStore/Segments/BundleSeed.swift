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

    /// The subtrees, one behind the other: one while the seed is whole.
    var encodedSeed: [UInt8] {
        seed.subtrees.flatMap { [$0.depth, $0.firstPosition] + $0.key.array }
    }

    /// Reads ``encodedSeed``; nil when it is none.
    init?(bundle: UInt64, encodedSeed: UnsafeRawBufferPointer) {
        guard encodedSeed.count % Self.subtreeBytes == 0 else { return nil }
        var subtrees: [SaltSeed.Subtree] = []
        for start in stride(from: 0, to: encodedSeed.count, by: Self.subtreeBytes) {
            let key = Bytes32(UnsafeRawBufferPointer(rebasing: encodedSeed[start + 2..<start + Self.subtreeBytes]))
            guard
                let subtree = SaltSeed.Subtree(
                    depth: encodedSeed[start], firstPosition: encodedSeed[start + 1], key: key)
            else { return nil }
            subtrees.append(subtree)
        }
        guard let seed = SaltSeed(subtrees: subtrees) else { return nil }
        self.bundle = bundle
        self.seed = seed
    }
}
