package import EventModel
package import Journal

/// What is to be destroyed in the store: whole events of partitions, and groups of single events.
///
/// It says what must not be there afterwards, so doing it twice, or again after a crash, changes nothing more.
package struct SegmentRewrite: Sendable {
    /// The hash of a group from its number, salt and bytes, as leaves commit to it; the store does not know how.
    package typealias GroupHash = @Sendable (UInt8, [UInt8], UnsafeRawBufferPointer) -> Bytes32

    /// Events that go as a whole: those of these leaves in each partition. Other partitions' rows in the same ranges stay.
    package var dropped: [JournalPartition: LeafRanges] = [:]
    /// Of single events, the groups that go.
    package var redacted: [UInt64: Set<FieldGroup>] = [:]
    package let groupHash: GroupHash

    package init(groupHash: @escaping GroupHash) { self.groupHash = groupHash }

    /// Whether a row goes as a whole.
    func drops(_ index: UInt64, of partition: JournalPartition) -> Bool {
        dropped[partition]?.contains(index) ?? false
    }

    /// Whether a segment has rows, or keys of rows, that have to go.
    ///
    /// Keys count because a bundle's events may lie in several segments, and each holds the whole bundle's seed.
    func concerns(_ segment: SegmentReader) throws -> Bool {
        if let dropped = dropped[segment.partition], try holds(dropped, segment) { return true }
        let first = JournalBundle.number(of: segment.indexes.lowerBound.rawValue) * JournalBundle.size
        let end = (JournalBundle.number(of: segment.indexes.upperBound.rawValue) + 1) * JournalBundle.size
        for (index, groups) in redacted where (first..<end).contains(index) {
            guard let seed = try segment.seed(for: LeafIndex(index)) else { continue }
            let position = JournalBundle.position(of: index)
            // The remains tell which groups are gone, without a look at the record.
            if seed.subtrees.contains(where: { $0.positions.contains(position) }) { return true }
            if let rest = seed.remains(at: position), !groups.isSubset(of: Self.destroyed(rest)) { return true }
        }
        return false
    }

    private func holds(_ dropped: LeafRanges, _ segment: SegmentReader) throws -> Bool {
        let seeds = try segment.seeds()
        guard !seeds.isEmpty else {
            return dropped.overlaps(segment.indexes.lowerBound.rawValue...segment.indexes.upperBound.rawValue)
        }
        // A row that is there has its key or remains of it in the seed, so that seeds tell of rows too.
        return seeds.contains { seed in
            let base = seed.bundle * JournalBundle.size
            return seed.seed.subtrees.contains {
                dropped.overlaps(base + UInt64($0.positions.lowerBound)...base + UInt64($0.positions.upperBound))
            } || seed.seed.remains.contains { dropped.contains(base + UInt64($0.position)) }
        }
    }

    private static func destroyed(_ rest: EventRemains) -> Set<FieldGroup> {
        Set(
            zip(FieldGroup.allCases, rest.parts).compactMap { group, part in
                if case .hash = part { group } else { nil }
            })
    }

    /// What takes the place of an event's key when some of its groups go.
    ///
    /// - Throws: `damaged` when a salt that is needed is not in the seed.
    func remains(
        of view: SealedView, without groups: Set<FieldGroup>, at position: UInt8, in seed: SaltSeed
    ) throws -> EventRemains {
        let before = seed.remains(at: position)
        var deriver = SaltDeriver(seed)
        let salts = deriver.salts(at: position)
        let parts = try FieldGroup.allCases.map { group -> EventRemains.Part in
            let number = Int(group.rawValue)
            var salt = salts?.salt(ofGroup: number)
            switch before?.parts[number] {
            case .hash(let hash): return .hash(hash)
            case .salt(let kept): salt = kept
            case nil: break
            }
            guard let salt, let bytes = view.group(group) else { throw Self.lost(position) }
            return groups.contains(group) ? .hash(groupHash(group.rawValue, salt, bytes)) : .salt(salt)
        }
        guard let remains = EventRemains(position: position, parts: parts) else { throw Self.lost(position) }
        return remains
    }

    private static func lost(_ position: UInt8) -> EventStoreError {
        EventStoreError(.damaged, "the salts of position \(position) are not there")
    }
}
