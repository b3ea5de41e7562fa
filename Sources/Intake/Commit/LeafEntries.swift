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
        let ranges = Array(ranges)
        var entries: [LeafEntry] = []
        entries.reserveCapacity(ranges.count)
        var queue = CommitmentQueue()
        var deriver: SaltDeriver?
        try withUnsafeTemporaryAllocation(
            byteCount: CommitmentQueue.capacity * EventSalts.byteCount, alignment: 8
        ) { salts in
            while entries.count < ranges.count {
                let index = firstIndex.rawValue + UInt64(entries.count)
                let bundle = JournalBundle.number(of: index)
                let position = Int(JournalBundle.position(of: index))
                if position == 0 || deriver == nil {
                    guard let seed = seeds[bundle: bundle, partition] else {
                        throw IntakeError(.diskFailed, "the salt seed of leaf \(index) is missing")
                    }
                    deriver = SaltDeriver(seed)
                }
                let count = min(
                    CommitmentQueue.capacity, ranges.count - entries.count, Int(JournalBundle.size) - position)
                let written = deriver?.writeSalts(of: position..<position + count, to: salts) ?? 0
                guard written == count else {
                    throw IntakeError(.diskFailed, "the salts of leaf \(index + UInt64(written)) were destroyed")
                }
                let views = try ranges[entries.count..<entries.count + count].map { try SealedView(bytes.slice($0)) }
                for (number, view) in views.enumerated() {
                    let start = number * EventSalts.byteCount
                    queue.add(
                        try groups(of: view),
                        salts: UnsafeRawBufferPointer(rebasing: salts[start..<start + EventSalts.byteCount]))
                }
                var next = views.makeIterator()
                queue.finish { root in
                    if let view = next.next() { entries.append(entry(of: view, root: root)) }
                }
            }
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
        return entry(of: view, root: try EventCommitment.root(groupHashes: hashes))
    }

    /// The entry of one event.
    package static func entry(of view: SealedView, salts: EventSalts) throws -> LeafEntry {
        let groups = try groups(of: view)
        var root = TreeHash.zero
        root.withUnsafeMutableBytes { root in
            salts.withUnsafeBytes { EventCommitment.root(of: groups, salts: $0, into: root) }
        }
        return entry(of: view, root: root)
    }

    private static func entry(of view: SealedView, root: TreeHash) -> LeafEntry {
        LeafEntry(
            kind: LeafKind(rawValue: view.kind), retentionClass: view.retentionClass,
            received: UInt64(clamping: view.received.milliseconds), root: root)
    }

    private static func groups(of view: SealedView) throws -> CommittedGroups {
        func group(_ group: FieldGroup) throws -> UnsafeRawBufferPointer {
            guard let bytes = view.group(group) else {
                throw IntakeError(.diskFailed, "the group \(group.name) was destroyed")
            }
            return bytes
        }
        return CommittedGroups(
            envelope: try group(.envelope), actor: try group(.actor), network: try group(.network),
            resource: try group(.resource), text: try group(.text), raw: try group(.raw))
    }
}
