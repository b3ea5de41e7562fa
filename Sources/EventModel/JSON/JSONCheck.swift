/// Depth, number of keys and duplicates, in one walk over the tape.
struct JSONCheck {
    let limits: JSONLimits
    private var keyCount = 0
    /// The keys of the object being looked at; kept so that its memory serves every object of the document.
    private var keys: [UnsafeRawBufferPointer] = []
    /// Slots of the keys by hash, as position + 1.
    private var slots: [UInt16] = []

    /// Up to this many keys are compared pair by pair; more go through ``slots``.
    private static let pairwiseKeys = 12

    /// Which hashes the keys of an object have so far, one bit each. Keys that fall on bits of their own are different: with
    /// a thousand bits nearly every object of real events is done with one look at each key.
    private struct Marks {
        private var words = InlineArray<16, UInt64>(repeating: 0)

        /// Whether no key before this one had the same bit.
        mutating func insert(_ hash: Int) -> Bool {
            let (word, bit) = (hash >> 6 & 15, UInt64(1) << UInt64(hash & 63))
            defer { words[word] |= bit }
            return words[word] & bit == 0
        }
    }

    init(limits: JSONLimits) { self.limits = limits }

    /// - Throws: ``EventModelError`` `tooDeep`, `tooManyKeys`, `duplicateKey`.
    mutating func check(_ value: JSONValue, depth: Int = 1) throws {
        guard depth <= limits.depth else {
            throw EventModelError(.tooDeep, "nested deeper than \(limits.depth) levels")
        }
        guard value.kind == .object else {
            for element in value.elements where element.isContainer { try check(element, depth: depth + 1) }
            return
        }
        var marks = Marks()
        var count = 0
        var hasContainers = false
        var areDistinct = true
        for member in value.members {
            areDistinct = marks.insert(Self.hash(member.key)) && areDistinct
            count += 1
            hasContainers = hasContainers || member.value.isContainer
        }
        keyCount += count
        guard keyCount <= limits.keys else { throw EventModelError(.tooManyKeys, "more than \(limits.keys) keys") }
        if !areDistinct, !self.areDistinct(value.members) { try Self.checkRepetitions(in: value) }
        guard hasContainers else { return }
        for member in value.members where member.value.isContainer { try check(member.value, depth: depth + 1) }
    }

    private mutating func areDistinct(_ members: JSONMembers) -> Bool {
        keys.removeAll(keepingCapacity: true)
        for member in members { keys.append(member.key) }
        guard keys.count > Self.pairwiseKeys else {
            for later in keys.indices.dropFirst() {
                for earlier in 0..<later where keys[earlier].hasSameBytes(as: keys[later]) { return false }
            }
            return true
        }
        var size = 64
        while size < keys.count * 2 { size *= 2 }
        slots.removeAll(keepingCapacity: true)
        slots.append(contentsOf: repeatElement(0, count: size))
        for (position, key) in keys.enumerated() {
            var slot = Self.hash(key) & (size - 1)
            while slots[slot] != 0 {
                if keys[Int(slots[slot]) - 1].hasSameBytes(as: key) { return false }
                slot = (slot + 1) & (size - 1)
            }
            slots[slot] = UInt16(position + 1)
        }
        return true
    }

    /// Length, beginning and end: enough to scatter real keys. Keys made to collide cost their comparison, bounded by the
    /// limit on keys.
    private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
        var mixed = UInt64(truncatingIfNeeded: key.count)
        if key.count >= 8 {
            mixed ^= key.loadUnaligned(as: UInt64.self)
            mixed = mixed &* 0x9E37_79B9_7F4A_7C15 ^ key.loadUnaligned(fromByteOffset: key.count - 8, as: UInt64.self)
        } else {
            for byte in key { mixed = mixed << 8 | UInt64(byte) }
        }
        return Int(truncatingIfNeeded: (mixed &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    /// Some providers write a member twice. As long as both say the same, no two readers can disagree.
    private static func checkRepetitions(in object: JSONValue) throws {
        var values: [[UInt8]: [UInt8]] = [:]
        for member in object.members {
            var text: [UInt8] = []
            JSONText.append(member.value, to: &text)
            guard let first = values.updateValue(text, forKey: Array(member.key)), first != text else { continue }
            throw EventModelError(.duplicateKey, "an object holds the same key twice with different values")
        }
    }
}
