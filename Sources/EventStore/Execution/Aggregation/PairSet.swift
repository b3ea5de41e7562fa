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
