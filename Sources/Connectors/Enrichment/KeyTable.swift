internal import EventModel

/// Keys to rows of a table, looked up without regard to case and without allocation for ASCII.
///
/// - Complexity: a look-up reads the text once and compares it with about one key, however many there are.
struct KeyTable: Sendable {
    private struct Slot {
        var offset: UInt32 = 0
        var length: Int32 = -1
        var row: Int32 = 0
    }

    private var slots: [Slot] = Array(repeating: Slot(), count: 8)
    private var keys: [UInt8] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Adds a key that is folded already; false when it is there.
    mutating func insert(_ key: [UInt8], row: Int) -> Bool {
        if (count + 1) * 2 > slots.count { grow() }
        return key.withUnsafeBytes { key in
            let position = position(of: key)
            guard slots[position].length < 0 else { return false }
            slots[position] = Slot(offset: UInt32(keys.count), length: Int32(key.count), row: Int32(row))
            keys.append(contentsOf: key)
            count += 1
            return true
        }
    }

    /// The row of a text that is folded already.
    func row(of text: UnsafeRawBufferPointer) -> Int? {
        let slot = slots[position(of: text)]
        return slot.length < 0 ? nil : Int(slot.row)
    }

    /// Where a key is, or where it would be.
    private func position(of text: UnsafeRawBufferPointer) -> Int {
        let mask = slots.count - 1
        var at = Self.hash(text) & mask
        return keys.withUnsafeBytes { keys in
            while slots[at].length >= 0 {
                let (start, length) = (Int(slots[at].offset), Int(slots[at].length))
                if length == text.count, keys.slice(start..<start + length).hasSameBytes(as: text) { return at }
                at = (at + 1) & mask
            }
            return at
        }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        let mask = slots.count - 1
        keys.withUnsafeBytes { keys in
            for slot in old where slot.length >= 0 {
                var at = Self.hash(keys.slice(Int(slot.offset)..<Int(slot.offset) + Int(slot.length))) & mask
                while slots[at].length >= 0 { at = (at + 1) & mask }
                slots[at] = slot
            }
        }
    }

    /// FNV-1a over words of eight bytes, and its bits mixed: keys differ in few places, often in the middle.
    private static func hash(_ text: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(truncatingIfNeeded: text.count)
        var position = 0
        while position + 8 <= text.count {
            hash = (hash ^ text.loadUnaligned(fromByteOffset: position, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 32
            position += 8
        }
        while position < text.count {
            hash = (hash ^ UInt64(text[position])) &* 0x100_0000_01B3
            position += 1
        }
        hash ^= hash >> 29
        return Int(truncatingIfNeeded: hash & 0x7FFF_FFFF_FFFF_FFFF)
    }
}
