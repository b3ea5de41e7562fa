internal import EventModel

/// The values that a payload has at a program's paths. Borrowed from the parser: valid inside its closure only.
///
/// It owns plain memory: arrays would ask for each value of each event whether they are shared.
struct PathSlots: ~Copyable {
    private var capacity = 0
    private var values = UnsafeMutablePointer<JSONValue>.allocate(capacity: 0)
    private var bits = UnsafeMutablePointer<UInt64>.allocate(capacity: 0)
    private var found = UnsafeMutablePointer<Int>.allocate(capacity: 0)
    private var foundCount = 0

    /// Those that have a value, in the order in which they were found.
    var touched: UnsafeBufferPointer<Int> { UnsafeBufferPointer(start: found, count: foundCount) }
    /// One bit for each slot that has a value.
    var present: UnsafePointer<UInt64> { UnsafePointer(bits) }

    deinit { deallocate() }

    private func deallocate() {
        values.deallocate()
        bits.deallocate()
        found.deallocate()
    }

    /// Forgets the values of the last payload. Cost: linear in how many there were.
    mutating func reset(count: Int) {
        for slot in touched { bits[slot >> 6] = 0 }
        foundCount = 0
        guard capacity < count else { return }
        deallocate()
        capacity = count
        values = .allocate(capacity: count)
        found = .allocate(capacity: count)
        bits = .allocate(capacity: (count + 63) / 64)
        bits.initialize(repeating: 0, count: (count + 63) / 64)
    }

    @inline(__always)
    mutating func set(_ slot: Int, _ value: JSONValue) {
        precondition(slot < capacity)
        // A null says nothing; to a connector it is as good as absent.
        guard !value.isNull else { return }
        if !has(slot) {
            bits[slot >> 6] |= 1 << UInt64(slot & 63)
            found[foundCount] = slot
            foundCount += 1
        }
        values[slot] = value
    }

    @inline(__always)
    func has(_ slot: Int) -> Bool { bits[slot >> 6] & (1 << UInt64(slot & 63)) != 0 }

    @inline(__always)
    subscript(slot: Int) -> JSONValue? {
        precondition(slot < capacity)
        return has(slot) ? values[slot] : nil
    }

    /// The first of several slots that has a value.
    @inline(__always)
    func first(of candidates: Kept<Int>) -> JSONValue? {
        for slot in candidates {
            if let value = self[slot] { return value }
        }
        return nil
    }
}

/// Sets of slots, kept side by side, so that one look tells whether a shape can fit.
struct SlotMasks: Sendable {
    private let words: Int
    private var bits: [UInt64] = []

    init(slotCount: Int) { words = (slotCount + 63) / 64 }

    mutating func append(_ slots: [Int]) {
        let start = bits.count
        bits.append(contentsOf: repeatElement(0, count: words))
        for slot in slots { bits[start + (slot >> 6)] |= 1 << UInt64(slot & 63) }
    }

    /// Whether all slots of a set have values.
    @inline(__always)
    func isCovered(_ number: Int, _ present: UnsafePointer<UInt64>) -> Bool {
        for word in 0..<words {
            let wanted = bits[number * words + word]
            if wanted & present[word] != wanted { return false }
        }
        return true
    }
}
