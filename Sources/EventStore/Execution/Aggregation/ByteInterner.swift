import EventModel

/// Gives each distinct byte string a number, 1, 2, 3 … in the order in which they first appear.
///
/// Open addressing over one arena: no object for each string. The hash is seeded at random for each table, so that nobody
/// can choose values that collide.
struct ByteInterner {
    private var slots: [UInt32]
    private var hashes: [UInt64] = []
    private var arena: [UInt8] = []
    private var ends: [Int] = []
    private let seed = UInt64.random(in: .min ... .max)

    init() { slots = [UInt32](repeating: 0, count: 64) }

    /// How many strings there are; also the last number given.
    var count: Int { ends.count }

    /// Bytes of all strings.
    var textBytes: Int { arena.count }
    /// What the table takes of memory.
    var heldBytes: Int { arena.count + ends.count * 16 + slots.count * 4 }

    mutating func number(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        let hash = Self.hash(bytes, seed)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = slots[slot]
            if hashes[Int(number) - 1] == hash, isEqual(number, bytes) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        arena.append(contentsOf: bytes)
        ends.append(arena.count)
        hashes.append(hash)
        slots[slot] = UInt32(ends.count)
        let number = UInt32(ends.count)
        if ends.count * 2 > slots.count { grow() }
        return number
    }

    mutating func number(of bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { number(of: $0) } }

    /// The bytes of a number that was given.
    func withBytes<Result>(of number: UInt32, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let end = ends[Int(number) - 1]
        let start = number == 1 ? 0 : ends[Int(number) - 2]
        return try arena.withUnsafeBytes { try body($0.slice(start..<end)) }
    }

    private func isEqual(_ number: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        withBytes(of: number) { $0.hasSameBytes(as: bytes) }
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for (position, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(position + 1)
        }
    }

    /// Multiply and fold, eight bytes at a time; the last eight may overlap those before.
    @inline(__always)
    static func hash(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
        var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
        guard bytes.count > 8 else { return mix(state ^ bytes.lastWord) }
        var position = 0
        while position + 8 < bytes.count {
            state = mix(state ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        return mix(state ^ bytes.lastWord)
    }

    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }
}

extension UnsafeRawBufferPointer {
    /// The last eight bytes as a number; of fewer, a number that tells bytes of the same count apart.
    @inline(__always)
    fileprivate var lastWord: UInt64 {
        if count >= 8 { return loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) }
        if count >= 4 {
            return UInt64(loadUnaligned(as: UInt32.self)) << 32
                | UInt64(loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        }
        return reduce(0) { $0 << 8 | UInt64($1) }
    }
}
