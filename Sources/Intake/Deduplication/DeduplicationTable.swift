internal import CPrefetch
package import EventModel
import Foundation

/// The delivery keys of the last days, in memory: an open-addressing table of 16 bytes a slot.
///
/// A slot holds 56 bits of the key, 32 bits of the payload's digest and 40 bits of leaf index plus one (0 is an empty
/// slot). Both hashes are keyed, so a false match is a matter of chance: 2⁻⁵⁶ a probe. Entries are never deleted one by one: indexes
/// rise with time, so everything below ``oldestIndex`` is forgotten, and its slots are reclaimed when the table is rebuilt.
///
/// Not thread-safe: the committer owns it. Cost: one or two cache misses an operation.
package struct DeduplicationTable: Sendable {
    package enum Match: Equatable, Sendable {
        case new
        /// The same key with the same bytes: this event already has a leaf.
        case duplicate(LeafIndex)
        /// The same key with other bytes: the event is kept and flagged.
        case conflict(LeafIndex)
    }

    fileprivate struct Slot: BitwiseCopyable {
        var keyAndPayloadHigh: UInt64 = 0  // key 56 bits ‖ payload 8 bits
        var payloadLowAndIndex: UInt64 = 0  // payload 24 bits ‖ (index + 1) 40 bits

        var fingerprint: UInt64 { keyAndPayloadHigh >> 8 }
        var payload: UInt64 { (keyAndPayloadHigh & 0xFF) << 24 | payloadLowAndIndex >> 40 }
        /// Of the leaf, plus one; 0 when the slot is empty.
        var place: UInt64 { payloadLowAndIndex & 0xFF_FFFF_FFFF }
        var isEmpty: Bool { place == 0 }
    }

    /// 40 bits less one: a trillion events.
    package static let maximumIndex: UInt64 = 1 << 40 - 2
    private static let minimumSlots = 1 << 12
    /// Entries that are put in the order of their slots together: so many that a part of the largest table gets hundreds.
    package static let sortedTogether = 1 << 20
    /// Parts of the table for that: each of the largest has 256 KiB, whose addresses a core remembers. At most ``minimumSlots``.
    fileprivate static let sortingParts = 1 << 11
    private static let hugePageBytes = 2 << 20
    /// Entries whose slots are looked at together: more than a core can wait for at once.
    private static let groupSize = 32

    private var slots: [Slot]
    /// Entries kept.
    package let limit: Int
    package private(set) var count = 0
    /// Entries below this index count as forgotten.
    package private(set) var oldestIndex = LeafIndex(0)

    /// - Parameter limit: Entries kept; beyond it the older half is forgotten.
    package init(limit: Int) {
        self.limit = max(limit, 1_024)
        slots = Self.emptySlots(Self.minimumSlots)
    }

    /// What the table knows of an event.
    package func match(_ key: DeliveryKey, payload: UInt64) -> Match {
        var position = Self.home(of: key, in: slots.count)
        while true {
            let slot = slots[position]
            if slot.isEmpty { return .new }
            if slot.fingerprint == key.bits >> 8, isLive(slot) {
                let index = LeafIndex(slot.place - 1)
                return slot.payload == payload >> 32 ? .duplicate(index) : .conflict(index)
            }
            position = (position + 1) & (slots.count - 1)
        }
    }

    /// Says that a key is looked up soon.
    package func prefetch(_ key: DeliveryKey) {
        let home = Self.home(of: key, in: slots.count)
        slots.withUnsafeBufferPointer { if let start = $0.baseAddress { custody_prefetch(start + home) } }
    }

    /// Remembers an event. The first holder of a key stays: a conflicting event does not take its place.
    package mutating func insert(_ key: DeliveryKey, payload: UInt64, index: LeafIndex) {
        insert(Self.slot(key.bits >> 8, payload, index), at: Self.home(of: key, in: slots.count))
    }

    /// Remembers many events, in order, as ``insert(_:payload:index:)`` does, for rebuilding the table.
    ///
    /// Cost: a large table is mostly waiting for memory, and for the addresses of its pages. So the events are put in the order of
    /// their slots first, so many of them together, for 16 bytes each.
    ///
    /// - Parameters:
    ///   - order: where that is done; one for all that are inserted one after the other.
    ///   - key: of an event by its position; nil for one without.
    ///   - rest: payload and index of an event that has a key. Asked for in order.
    package mutating func insert(
        _ count: Int, by order: Order = Order(), key: (_ position: Int) -> DeliveryKey?,
        rest: (_ position: Int) -> (payload: UInt64, index: LeafIndex)
    ) {
        for start in stride(from: 0, to: count, by: order.capacity) {
            let positions = start..<min(start + order.capacity, count)
            insert(order.slots(of: positions, in: slots.count, key, rest))
        }
    }

    /// Puts events in the order of their slots, in memory that it keeps: made anew for each part of a large table, its pages would
    /// cost as much as all else.
    package final class Order {
        fileprivate let capacity: Int
        private let ordered: UnsafeMutablePointer<Slot>
        private let places: UnsafeMutablePointer<Int>

        /// - Parameter capacity: events that are put in order together.
        package init(_ capacity: Int = DeduplicationTable.sortedTogether) {
            self.capacity = max(capacity, 1)
            ordered = .allocate(capacity: self.capacity)
            places = .allocate(capacity: DeduplicationTable.sortingParts)
        }

        deinit {
            ordered.deallocate()
            places.deallocate()
        }

        /// Slots of events by the part of a table that they are in, those of a part in their own order: two events with one key stay
        /// as they were. Valid until the next call.
        fileprivate func slots(
            of positions: Range<Int>, in slotCount: Int, _ key: (Int) -> DeliveryKey?,
            _ rest: (Int) -> (payload: UInt64, index: LeafIndex)
        ) -> UnsafeBufferPointer<Slot> {
            let parts = DeduplicationTable.sortingParts
            let shift = slotCount.trailingZeroBitCount - parts.trailingZeroBitCount
            places.update(repeating: 0, count: parts)
            for position in positions {
                guard let key = key(position) else { continue }
                places[DeduplicationTable.home(of: key, in: slotCount) >> shift] += 1
            }
            var sum = 0
            for part in 0..<parts { (places[part], sum) = (sum, sum + places[part]) }
            for position in positions {
                guard let key = key(position) else { continue }
                let (payload, index) = rest(position)
                let part = DeduplicationTable.home(of: key, in: slotCount) >> shift
                (ordered + places[part]).initialize(to: DeduplicationTable.slot(key.bits >> 8, payload, index))
                places[part] += 1
            }
            return UnsafeBufferPointer(start: ordered, count: sum)
        }
    }

    private mutating func insert(_ entries: UnsafeBufferPointer<Slot>) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.groupSize) { homes in
            for start in stride(from: 0, to: entries.count, by: Self.groupSize) {
                let group = start..<min(start + Self.groupSize, entries.count)
                // Looked at before they are needed: these reads do not wait for one another.
                for position in group {
                    let home = Self.home(ofFingerprint: entries[position].fingerprint, in: slots.count)
                    homes[position - start] = slots[home].isEmpty ? ~home : home
                }
                let size = slots.count
                for position in group {
                    let entry = entries[position]
                    let known = homes[position - start]
                    let home =
                        slots.count == size
                        ? max(known, ~known) : Self.home(ofFingerprint: entry.fingerprint, in: slots.count)
                    insert(entry, at: home)
                }
            }
        }
    }

    private mutating func insert(_ entry: Slot, at home: Int) {
        var position = home
        if (count + 1) * 4 > slots.count * 3 {
            rebuild()
            position = Self.home(ofFingerprint: entry.fingerprint, in: slots.count)
        }
        while true {
            let slot = slots[position]
            if slot.isEmpty {
                slots[position] = entry
                count += 1
                return
            }
            if slot.fingerprint == entry.fingerprint {
                // The same key: its first holder stays, unless it is forgotten.
                if !isLive(slot) { slots[position] = entry }
                return
            }
            position = (position + 1) & (slots.count - 1)
        }
    }

    /// Of parts of what was remembered, each with its last index, the places of the newest that fit into a table with a limit, for
    /// rebuilding it: what is older it would forget on the way. At least one, where there is one. In the order in which they were
    /// given.
    package static func newest(_ limit: Int, of parts: [(last: LeafIndex, entries: Int)]) -> [Int] {
        var room = limit
        let newestFirst = parts.indices.sorted { parts[$0].last > parts[$1].last }
        let kept = newestFirst.prefix { place in
            defer { room -= parts[place].entries }
            return room >= parts[place].entries || place == newestFirst[0]
        }
        return kept.sorted()
    }

    /// Makes room for so many more entries at once, within the limit, so that the table is not rebuilt on the way.
    package mutating func reserve(_ entries: Int) {
        let wanted = min(entries, limit - min(count, limit)) + count
        var size = slots.count
        while wanted * 4 > size * 3 { size *= 2 }
        if size > slots.count { move(to: size) }
    }

    /// Forgets everything below an index.
    package mutating func forget(below index: LeafIndex) {
        if index > oldestIndex { oldestIndex = index }
    }

    private static func emptySlots(_ count: Int) -> [Slot] {
        [Slot](unsafeUninitializedCapacity: count) { buffer, initialized in
            adviseHugePages(UnsafeMutableRawBufferPointer(buffer))
            buffer.initialize(repeating: Slot())
            initialized = count
        }
    }

    /// Asks for large pages, before any is touched: looking one key up in a large table would otherwise mostly wait for the
    /// address of its page.
    private static func adviseHugePages(_ memory: UnsafeMutableRawBufferPointer) {
        #if os(Linux)
            guard let base = memory.baseAddress, memory.count >= 2 * hugePageBytes else { return }
            let start = (UInt(bitPattern: base) + UInt(hugePageBytes) - 1) & ~UInt(hugePageBytes - 1)
            let end = UInt(bitPattern: base) + UInt(memory.count)
            // Advice: without it the table is as right, and slower.
            _ = madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_HUGEPAGE)
        #endif
    }

    fileprivate static func slot(_ fingerprint: UInt64, _ payload: UInt64, _ index: LeafIndex) -> Slot {
        precondition(index.rawValue <= maximumIndex)
        let digest = payload >> 32
        return Slot(
            keyAndPayloadHigh: fingerprint << 8 | digest >> 24,
            payloadLowAndIndex: (digest & 0xFF_FFFF) << 40 | (index.rawValue + 1))
    }

    fileprivate static func home(of key: DeliveryKey, in slots: Int) -> Int {
        home(ofFingerprint: key.bits >> 8, in: slots)
    }

    private static func home(ofFingerprint fingerprint: UInt64, in slots: Int) -> Int {
        Int(truncatingIfNeeded: (fingerprint &* 0x9E37_79B9_7F4A_7C15) >> 20) & (slots - 1)
    }

    /// Drops what is forgotten, and doubles when what is left still fills more than half.
    private mutating func rebuild() {
        if count >= limit {
            // Half by index is half by age.
            let indexes = slots.lazy.map(\.place).filter { $0 != 0 }
            let newest = indexes.max() ?? 1
            let oldest = max(oldestIndex.rawValue, indexes.min().map { $0 - 1 } ?? 0)
            forget(below: LeafIndex(oldest + (newest - oldest) / 2))
        }
        let live = slots.lazy.filter(isLive).count
        var size = Self.minimumSlots
        while size < live * 2 { size *= 2 }
        move(to: size)
    }

    /// Moves what is not forgotten to a table of so many slots.
    private mutating func move(to size: Int) {
        let old = slots
        slots = Self.emptySlots(size)
        count = 0
        for slot in old where isLive(slot) {
            var position = Self.home(ofFingerprint: slot.fingerprint, in: size)
            while !slots[position].isEmpty { position = (position + 1) & (size - 1) }
            slots[position] = slot
            count += 1
        }
    }

    private func isLive(_ slot: Slot) -> Bool { !slot.isEmpty && slot.place > oldestIndex.rawValue }
}
