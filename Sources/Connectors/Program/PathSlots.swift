internal import EventModel

/// The values that a payload has at a program's paths. Borrowed from the parser: valid inside its closure only.
struct PathSlots {
    private var values: [JSONValue?] = []
    /// Those that have a value, in the order in which they were found.
    private(set) var touched: [Int] = []
    /// One bit for each slot that has a value.
    private(set) var present: [UInt64] = []

    /// Forgets the values of the last payload. Cost: linear in how many there were.
    mutating func reset(count: Int) {
        for slot in touched {
            values[slot] = nil
            present[slot >> 6] = 0
        }
        touched.removeAll(keepingCapacity: true)
        guard values.count < count else { return }
        values.append(contentsOf: repeatElement(nil, count: count - values.count))
        present.append(contentsOf: repeatElement(0, count: (values.count + 63) / 64 - present.count))
    }

    @inline(__always)
    mutating func set(_ slot: Int, _ value: JSONValue) {
        // A null says nothing; to a connector it is as good as absent.
        guard !value.isNull else { return }
        values[slot] = value
        present[slot >> 6] |= 1 << UInt64(slot & 63)
        touched.append(slot)
    }

    @inline(__always)
    subscript(slot: Int) -> JSONValue? { values[slot] }

    /// The first of several slots that has a value.
    @inline(__always)
    func first(of candidates: [Int]) -> JSONValue? {
        for slot in candidates where present[slot >> 6] & (1 << UInt64(slot & 63)) != 0 { return values[slot] }
        return nil
    }
}

/// Sets of slots, kept side by side, so that one look tells whether an operation can do anything or a shape can fit:
/// of the hundreds that a connector knows, a payload concerns a few.
struct SlotMasks: Sendable {
    private let words: Int
    private var bits: [UInt64] = []

    init(slotCount: Int) { words = (slotCount + 63) / 64 }

    mutating func append(_ slots: [Int]) {
        let start = bits.count
        bits.append(contentsOf: repeatElement(0, count: words))
        for slot in slots { bits[start + (slot >> 6)] |= 1 << UInt64(slot & 63) }
    }

    /// Whether any slot of a set has a value.
    @inline(__always)
    func intersects(_ number: Int, _ present: [UInt64]) -> Bool {
        for word in 0..<words where bits[number * words + word] & present[word] != 0 { return true }
        return false
    }

    /// Whether all slots of a set have values.
    @inline(__always)
    func isCovered(_ number: Int, _ present: [UInt64]) -> Bool {
        for word in 0..<words {
            let wanted = bits[number * words + word]
            if wanted & present[word] != wanted { return false }
        }
        return true
    }
}
