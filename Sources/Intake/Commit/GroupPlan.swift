import EventModel
import Journal

/// Which events of a group are new, which index each gets, and what the others are duplicates of. Decided before the
/// journal is written; takes effect only when that succeeded.
struct GroupPlan {
    struct Conflict {
        let kept: LeafIndex
        let earlier: LeafIndex
    }

    /// Keys are looked up in a table that no cache holds: so many wait for it together.
    private static let keysAhead = 12

    private(set) var outcomes: [[CommitOutcome]] = []
    private(set) var masks: [RecordMask] = []
    private(set) var conflicts: [Conflict] = []
    private var additions: [(key: DeliveryKey, payload: UInt64, index: LeafIndex)] = []
    /// Keys of this very group, which the table does not know yet.
    private var fresh: [DeliveryKey: (payload: UInt64, index: LeafIndex)] = [:]

    init(_ batches: [PreparedBatch], startingAt start: LeafIndex, table: DeduplicationTable) {
        var next = start.rawValue
        let count = batches.reduce(0) { $0 + $1.items.count }
        // Grown on the way, it would be filled many times over.
        fresh.reserveCapacity(count)
        additions.reserveCapacity(count)
        for batch in batches {
            var mask = RecordMask(keepingAll: batch.items.count)
            var outcomes: [CommitOutcome] = []
            outcomes.reserveCapacity(batch.items.count)
            for (position, item) in batch.items.enumerated() {
                let ahead = position + Self.keysAhead
                if ahead < batch.items.count, let key = batch.items[ahead].key { table.prefetch(key) }
                if let key = item.key, let original = note(key, item.payloadDigest, LeafIndex(next), table) {
                    mask.drop(position)
                    outcomes.append(.duplicate(original))
                    continue
                }
                outcomes.append(.accepted(LeafIndex(next)))
                next += 1
            }
            self.outcomes.append(outcomes)
            masks.append(mask)
        }
    }

    /// Notes an event that would get `index`; returns the original's index when it is a duplicate.
    private mutating func note(
        _ key: DeliveryKey, _ payload: UInt64, _ index: LeafIndex, _ table: DeduplicationTable
    ) -> LeafIndex? {
        if let earlier = fresh[key] {
            if earlier.payload == payload { return earlier.index }
            conflicts.append(Conflict(kept: index, earlier: earlier.index))
            return nil
        }
        switch table.match(key, payload: payload) {
        case .duplicate(let original): return original
        case .conflict(let earlier): conflicts.append(Conflict(kept: index, earlier: earlier))
        case .new:
            fresh[key] = (payload, index)
            additions.append((key, payload, index))
        }
        return nil
    }

    func pages(of batches: [PreparedBatch]) -> [(page: JournalPage, kept: RecordMask)] {
        zip(batches, masks).compactMap { batch, mask in
            guard let page = batch.page, mask.keptCount > 0 else { return nil }
            return (page, mask)
        }
    }

    /// Puts the new keys into the table.
    mutating func remember(in table: inout DeduplicationTable) {
        for (position, addition) in additions.enumerated() {
            let ahead = position + Self.keysAhead
            if ahead < additions.count { table.prefetch(additions[ahead].key) }
            table.insert(addition.key, payload: addition.payload, index: addition.index)
        }
        additions = []
    }

    /// The kept events of one batch.
    func keptItems(
        of position: Int, in batch: PreparedBatch
    ) -> (firstIndex: LeafIndex?, items: [CommittedBatch.Item]) {
        var firstIndex: LeafIndex?
        var items: [CommittedBatch.Item] = []
        items.reserveCapacity(masks[position].keptCount)
        for (item, outcome) in zip(batch.items, outcomes[position]) {
            guard case .accepted(let index) = outcome else { continue }
            firstIndex = firstIndex ?? index
            items.append(
                CommittedBatch.Item(
                    range: item.range, key: item.key, payloadDigest: item.payloadDigest, isDocument: item.isDocument))
        }
        return (firstIndex, items)
    }

    var acceptedCount: Int { masks.reduce(0) { $0 + $1.keptCount } }
    var duplicateCount: Int { masks.reduce(0) { $0 + $1.count - $1.keptCount } }
}
