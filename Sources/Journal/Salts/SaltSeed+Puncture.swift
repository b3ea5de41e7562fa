extension SaltSeed {
    /// The same seed for some positions alone: from it, no key of any other position can be had.
    ///
    /// - Parameter isKept: whether a position stays; positions that the seed does not cover stay uncovered.
    /// - Complexity: at most two hashes for each position that stays.
    package func restricted(to isKept: (UInt8) -> Bool) -> SaltSeed {
        var kept: [Subtree] = []
        for subtree in subtrees { Self.cover(subtree, isKept, &kept) }
        // Parts of a sound seed in their order make a sound one.
        guard let seed = SaltSeed(subtrees: kept, remains: remains.filter { isKept($0.position) }) else {
            preconditionFailure("a part of a seed is a seed")
        }
        return seed
    }

    /// The seed after an event's key was destroyed and something else is left of it.
    package func replacingKey(with rest: EventRemains) -> SaltSeed {
        let others = restricted { $0 != rest.position }
        let remains = (others.remains + [rest]).sorted { $0.position < $1.position }
        guard let seed = SaltSeed(subtrees: others.subtrees, remains: remains) else {
            preconditionFailure("a punctured seed has no key where something else is left")
        }
        return seed
    }

    /// Two seeds of the same (bundle, partition) that cover different positions, as one.
    ///
    /// - Returns: nil when a position is covered by both.
    package func joined(with other: SaltSeed) -> SaltSeed? {
        SaltSeed(
            subtrees: (subtrees + other.subtrees).sorted { $0.firstPosition < $1.firstPosition },
            remains: (remains + other.remains).sorted { $0.position < $1.position })
    }

    /// Appends the largest subtrees whose positions all stay.
    private static func cover(_ subtree: Subtree, _ isKept: (UInt8) -> Bool, _ output: inout [Subtree]) {
        let kept = subtree.positions.reduce(0) { isKept($1) ? $0 + 1 : $0 }
        guard kept > 0 else { return }
        guard kept < subtree.positions.count else { return output.append(subtree) }
        let half = UInt8(subtree.positions.count / 2)
        for (bit, first) in [(UInt8(0), subtree.firstPosition), (1, subtree.firstPosition + half)] {
            let key = LabelledHash.treeNode(bit, subtree.key)
            if let child = Subtree(depth: subtree.depth + 1, firstPosition: first, key: key) {
                cover(child, isKept, &output)
            }
        }
    }
}
