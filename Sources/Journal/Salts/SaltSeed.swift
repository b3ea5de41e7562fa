/// The key material of one (bundle, partition): the root of a GGM tree over the bundle's 256 positions.
///
/// A tree node gives its children (`SHA-256("custody/ggm/v1" ‖ 0x00 or 0x01 ‖ node)`, the position's most significant
/// bit first), the leaf at a position is the event's key, and the key gives the salts (``EventSalts``). Whoever knows a
/// node knows all below it and nothing beside it. So a seed is a set of subtrees: one, the root, at first; redacting an
/// event leaves the siblings on its path. (Architecture, "The leaf"; docs/format, "Journal".)
///
/// Never print or log a seed.
package struct SaltSeed: Sendable, Hashable {
    /// A node of the tree with all below it.
    package struct Subtree: Sendable, Hashable {
        /// The number of leading bits of a position that lead to the node: 0 is the root, 8 an event's key.
        package let depth: UInt8
        /// The first position below the node.
        package let firstPosition: UInt8
        package let key: Bytes32

        /// - Returns: nil when no node of that depth begins at that position.
        package init?(depth: UInt8, firstPosition: UInt8, key: Bytes32) {
            guard depth <= SaltSeed.depth, Int(firstPosition) & ((256 >> Int(depth)) - 1) == 0 else { return nil }
            self.depth = depth
            self.firstPosition = firstPosition
            self.key = key
        }

        fileprivate init(root: Bytes32) {
            depth = 0
            firstPosition = 0
            key = root
        }

        /// The positions below the node.
        package var positions: ClosedRange<UInt8> {
            firstPosition...(firstPosition + UInt8((256 >> Int(depth)) - 1))
        }
    }

    /// The levels between the root and an event's key.
    package static let depth: UInt8 = 8

    /// The subtrees, in order of their positions, apart from one another.
    package let subtrees: [Subtree]
    /// What is left of events whose key was destroyed because some of their groups were, in order of their positions. None
    /// of these positions is below a subtree.
    package let remains: [EventRemains]

    /// The seed that covers all positions.
    package init(root: Bytes32) {
        subtrees = [Subtree(root: root)]
        remains = []
    }

    /// A seed that covers only some positions, for instance after a redaction.
    ///
    /// - Returns: nil when subtrees overlap or are out of order, or an event has both a key and remains.
    package init?(subtrees: [Subtree], remains: [EventRemains] = []) {
        let areApart = zip(subtrees, subtrees.dropFirst()).allSatisfy { $0.positions.upperBound < $1.firstPosition }
        let areAscending = zip(remains, remains.dropFirst()).allSatisfy { $0.position < $1.position }
        let haveNoKey = remains.allSatisfy { remains in
            !subtrees.contains { $0.positions.contains(remains.position) }
        }
        guard areApart, areAscending, haveNoKey else { return nil }
        self.subtrees = subtrees
        self.remains = remains
    }

    /// The root, while the seed is whole.
    package var root: Bytes32? { subtrees.first.flatMap { $0.depth == 0 ? $0.key : nil } }

    /// What is left of an event of which groups were destroyed; nil for one that has its key, or nothing at all.
    package func remains(at position: UInt8) -> EventRemains? { remains.first { $0.position == position } }
}

extension SaltSeed: CustomStringConvertible, CustomDebugStringConvertible {
    /// Never the key: a log or an error message must not disclose salts.
    package var description: String { "a salt seed of \(subtrees.count) subtrees" }
    package var debugDescription: String { description }
}
