internal import CPrefetch

/// An open-addressing table of numbers, given in order from 0 on, by their hashes. Its owner calls ``free()``.
struct SlotTable {
    enum Found {
        case known(UInt32)
        case free(place: Int)
    }

    private struct Slot: BitwiseCopyable {
        /// The low half: large tables are read at random, so that every byte costs.
        var hash: UInt32
        /// Number + 1; 0 is free.
        var entry: UInt32
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var mask = 255
    private var count: UInt32 = 0

    init() {
        slots = .allocate(capacity: 256)
        slots.initialize(repeating: Slot(hash: 0, entry: 0), count: 256)
    }

    func free() { slots.deallocate() }

    mutating func removeAll() {
        slots.update(repeating: Slot(hash: 0, entry: 0), count: mask + 1)
        count = 0
    }

    @inline(__always)
    func find(_ hash: UInt64, _ isSame: (UInt32) -> Bool) -> Found {
        let hash = UInt32(truncatingIfNeeded: hash)
        var position = Int(hash) & mask
        while slots[position].entry != 0 {
            if slots[position].hash == hash, isSame(slots[position].entry - 1) {
                return .known(slots[position].entry - 1)
            }
            position = (position + 1) & mask
        }
        return .free(place: position)
    }

    /// Says that a hash is looked up soon.
    @inline(__always)
    func prefetch(_ hash: UInt64) { custody_prefetch(slots + (Int(UInt32(truncatingIfNeeded: hash)) & mask)) }

    /// The number that a hash most likely has, without a look at what it stands for; nil when it may have none.
    @inline(__always)
    func likely(_ hash: UInt64) -> UInt32? {
        let hash = UInt32(truncatingIfNeeded: hash)
        let slot = slots[Int(hash) & mask]
        return slot.entry != 0 && slot.hash == hash ? slot.entry - 1 : nil
    }

    /// Gives the next number to a hash, at the place that was found free.
    @inline(__always)
    mutating func insert(_ hash: UInt64, at place: Int) {
        count += 1
        slots[place] = Slot(hash: UInt32(truncatingIfNeeded: hash), entry: count)
        if Int(count) * 2 > mask { grow() }
    }

    private mutating func grow() {
        let (old, oldCount) = (slots, mask + 1)
        mask = oldCount * 2 - 1
        slots = .allocate(capacity: mask + 1)
        slots.initialize(repeating: Slot(hash: 0, entry: 0), count: mask + 1)
        for slot in UnsafeBufferPointer(start: old, count: oldCount) where slot.entry != 0 {
            var position = Int(slot.hash) & mask
            while slots[position].entry != 0 { position = (position + 1) & mask }
            slots[position] = slot
        }
        old.deallocate()
    }
}
