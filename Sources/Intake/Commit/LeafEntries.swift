package import EventModel
package import Journal
package import Ledger

/// Computes the leaf entries of sealed events: salts from their bundle's seed, commitments from salts and groups.
package enum LeafEntries {
    /// The entries of consecutive events.
    ///
    /// - Parameter ranges: Of each event, the place of its sealed form in `bytes`.
    /// - Throws: When a seed is missing or a sealed form is malformed, which both mean that what was stored was altered.
    /// - Complexity: About sixteen digests an event.
    package static func make(
        firstIndex: LeafIndex, partition: JournalPartition, bytes: UnsafeRawBufferPointer,
        ranges: some Sequence<Range<Int>>, seeds: SeedTable
    ) throws -> [LeafEntry] {
        var entries: [LeafEntry] = []
        var deriver: SaltDeriver?
        var bundle: UInt64?
        var index = firstIndex.rawValue
        for range in ranges {
            if bundle != JournalBundle.number(of: index) {
                let number = JournalBundle.number(of: index)
                bundle = number
                guard let seed = seeds[bundle: number, partition] else {
                    throw IntakeError(.diskFailed, "the salt seed of leaf \(index) is missing")
                }
                deriver = SaltDeriver(seed)
            }
            guard let salts = deriver?.salts(at: JournalBundle.position(of: index)) else {
                throw IntakeError(.diskFailed, "the salts of leaf \(index) were destroyed")
            }
            entries.append(try entry(of: SealedView(bytes.slice(range)), salts: salts))
            index += 1
        }
        return entries
    }

    /// The entry of an event of which groups were destroyed: from what is left of it.
    ///
    /// - Throws: When other groups are there than the remains say.
    package static func entry(of view: SealedView, remains: EventRemains) throws -> LeafEntry {
        let hashes = try zip(FieldGroup.allCases, remains.parts).map { group, part in
            switch (view.group(group), part) {
            case (let bytes?, .salt(let salt)):
                return salt.withUnsafeBytes {
                    EventCommitment.groupHash(group: group.rawValue, salt: $0, bytes: bytes)
                }
            case (nil, .hash(let hash)): return hash.withUnsafeBytes { TreeHash(copying: $0) }
            default: throw IntakeError(.diskFailed, "the group \(group.name) is not as its remains say")
            }
        }
        return LeafEntry(
            kind: LeafKind(rawValue: view.kind), retentionClass: view.retentionClass,
            received: UInt64(clamping: view.received.milliseconds),
            root: try EventCommitment.root(groupHashes: hashes))
    }

    /// The entry of one event.
    package static func entry(of view: SealedView, salts: EventSalts) throws -> LeafEntry {
        func group(_ group: FieldGroup) throws -> UnsafeRawBufferPointer {
            guard let bytes = view.group(group) else {
                throw IntakeError(.diskFailed, "the group \(group.name) was destroyed")
            }
            return bytes
        }
        let groups = CommittedGroups(
            envelope: try group(.envelope), actor: try group(.actor), network: try group(.network),
            resource: try group(.resource), text: try group(.text), raw: try group(.raw))
        let root = withUnsafeTemporaryAllocation(byteCount: TreeHash.byteCount, alignment: 8) { root in
            salts.withUnsafeBytes { EventCommitment.root(of: groups, salts: $0, into: root) }
            return TreeHash(copying: UnsafeRawBufferPointer(root))
        }
        return LeafEntry(
            kind: LeafKind(rawValue: view.kind), retentionClass: view.retentionClass,
            received: UInt64(clamping: view.received.milliseconds), root: root)
    }
}
