@testable import Ledger

/// A tree in memory, computed as RFC 6962 defines it: the slow and plain reference that the real code is held against.
struct TreeOfLeaves {
    let leaves: [TreeHash]

    init(size: Int) {
        leaves = (0..<size).map { Self.entry(UInt64($0)).leafHash }
    }

    /// The entry that stands at an index in all tests.
    static func entry(_ index: UInt64) -> LeafEntry {
        let root = Array("event \(index)".utf8).withUnsafeBytes { MerkleHashing.leaf($0) }
        return LeafEntry(
            kind: index % 97 == 5 ? .segmentSeal : .event, retentionClass: UInt16(index / 300 % 3),
            received: 1_790_000_000_000 + index / 7 * 3 &- (index % 50 == 49 ? 200 : 0), root: root)
    }

    static func entries(_ range: Range<UInt64>) -> [LeafEntry] {
        range.map { entry($0) }
    }

    func root(_ size: Int) -> TreeHash {
        hash(0..<size)
    }

    /// MTH, RFC 6962, section 2.1.
    func hash(_ range: Range<Int>) -> TreeHash {
        guard range.count > 1 else { return range.isEmpty ? MerkleHashing.emptyRoot : leaves[range.lowerBound] }
        let middle = range.lowerBound + split(range.count)
        return MerkleHashing.node(hash(range.lowerBound..<middle), hash(middle..<range.upperBound))
    }

    /// PATH, RFC 6962, section 2.1.1.
    func inclusionProof(_ index: Int, in range: Range<Int>) -> [TreeHash] {
        guard range.count > 1 else { return [] }
        let middle = range.lowerBound + split(range.count)
        return index < middle
            ? inclusionProof(index, in: range.lowerBound..<middle) + [hash(middle..<range.upperBound)]
            : inclusionProof(index, in: middle..<range.upperBound) + [hash(range.lowerBound..<middle)]
    }

    private func split(_ count: Int) -> Int {
        var half = 1
        while half * 2 < count { half *= 2 }
        return half
    }
}
