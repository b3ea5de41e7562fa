/// Gives each distinct pair of numbers a number of its own, from 0 on.
struct PairTable {
    private var slots: [UInt32]
    private(set) var pairs: [UInt64] = []
    private let seed = UInt64.random(in: .min ... .max)

    init() { slots = [UInt32](repeating: 0, count: 256) }

    var count: Int { pairs.count }
    /// What the table takes of memory.
    var heldBytes: Int { pairs.count * 8 + slots.count * 4 }

    func left(_ number: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: pairs[Int(number)] >> 32) }
    func right(_ number: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: pairs[Int(number)]) }

    @inline(__always)
    mutating func number(_ left: UInt32, _ right: UInt32) -> UInt32 { insert(left, right).number }

    /// The number of a pair, and whether it was not there before.
    @inline(__always)
    @discardableResult
    mutating func insert(_ left: UInt32, _ right: UInt32) -> (number: UInt32, isNew: Bool) {
        let pair = UInt64(left) << 32 | UInt64(right)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: ByteInterner.mix(pair ^ seed)) & mask
        while slots[slot] != 0 {
            let number = slots[slot] - 1
            if pairs[Int(number)] == pair { return (number, false) }
            slot = (slot + 1) & mask
        }
        pairs.append(pair)
        slots[slot] = UInt32(pairs.count)
        if pairs.count * 2 > slots.count { grow() }
        return (UInt32(pairs.count - 1), true)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        let mask = slots.count - 1
        for (position, pair) in pairs.enumerated() {
            var slot = Int(truncatingIfNeeded: ByteInterner.mix(pair ^ seed)) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(position + 1)
        }
    }
}
