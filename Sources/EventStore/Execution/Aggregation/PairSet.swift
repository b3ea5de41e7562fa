internal import CPrefetch

/// Distinct pairs of a group and a value, neither of which has a number of its own. The value 0, which is none, is never in it.
///
/// The pairs lie in the table itself, so that looking one up touches one place of memory.
struct PairSet {
    private var slots: [UInt64]
    private(set) var count = 0
    private let seed = UInt64.random(in: .min ... .max)

    init() { slots = [UInt64](repeating: 0, count: 1_024) }

    /// What the table takes of memory.
    var heldBytes: Int { slots.count * 8 }

    static func pair(_ group: UInt32, _ value: UInt32) -> UInt64 { UInt64(group) << 32 | UInt64(value) }

    /// Whether the pair was not there before.
    @inline(__always)
    @discardableResult
    mutating func insert(_ pair: UInt64) -> Bool {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: ByteInterner.mix(pair ^ seed)) & mask
        while true {
            let known = slots[slot]
            if known == pair { return false }
            if known == 0 { break }
            slot = (slot + 1) & mask
        }
        slots[slot] = pair
        count += 1
        if count * 2 > slots.count { grow() }
        return true
    }

    /// As many as the processor can wait for at once, and some.
    static let batch = 32

    /// Inserts several pairs, none with the value 0, and adds one to its group's count for each that was not there before.
    ///
    /// Cost: less than of each by itself, because their places in the table are waited for together.
    mutating func insert(_ pairs: UnsafeBufferPointer<UInt64>, counting counts: inout [Int]) {
        while (count + pairs.count) * 2 > slots.count { grow() }
        count += slots.withUnsafeMutableBufferPointer { slots in
            let mask = slots.count - 1
            guard let start = slots.baseAddress else { return 0 }
            func place(_ pair: UInt64) -> Int { Int(truncatingIfNeeded: ByteInterner.mix(pair ^ seed)) & mask }
            for pair in pairs { custody_prefetch(start + place(pair)) }
            var added = 0
            for pair in pairs {
                var slot = place(pair)
                while slots[slot] != pair, slots[slot] != 0 { slot = (slot + 1) & mask }
                guard slots[slot] == 0 else { continue }
                slots[slot] = pair
                counts[Int(pair >> 32)] += 1
                added += 1
            }
            return added
        }
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt64](repeating: 0, count: old.count * 2)
        let mask = slots.count - 1
        for pair in old where pair != 0 {
            var slot = Int(truncatingIfNeeded: ByteInterner.mix(pair ^ seed)) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = pair
        }
    }

    func forEach(_ body: (UInt64) -> Void) {
        for pair in slots where pair != 0 { body(pair) }
    }
}
