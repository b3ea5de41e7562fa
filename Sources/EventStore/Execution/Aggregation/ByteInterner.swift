internal import CPrefetch
import EventModel

/// Gives each distinct byte string a number, 1, 2, 3 … in the order in which they first appear.
///
/// Open addressing over one arena: no object for each string. The hash is seeded at random for each table, so that nobody
/// can choose values that collide.
struct ByteInterner {
    /// The low half of a string's hash above its number, so that a place in the table says by itself whether a look at the
    /// bytes is worth it; 0 is free.
    private var slots: [UInt64]
    private var arena: [UInt8] = []
    private var ends: [Int] = []
    private let seed = UInt64.random(in: .min ... .max)

    init() { slots = [UInt64](repeating: 0, count: 64) }

    /// How many strings there are; also the last number given.
    var count: Int { ends.count }

    /// Bytes of all strings.
    var textBytes: Int { arena.count }
    /// What the table takes of memory.
    var heldBytes: Int { arena.count + ends.count * 8 + slots.count * 8 }

    mutating func number(of bytes: UnsafeRawBufferPointer) -> UInt32 { number(of: bytes, hash(bytes)) }

    mutating func number(of bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { number(of: $0) } }

    /// The numbers of strings that lie one behind the other.
    ///
    /// Cost: less than of each by itself, because their places in the table are waited for together.
    ///
    /// - Parameter ends: where each string ends; the first begins at 0.
    mutating func numbers(of strings: UnsafeRawBufferPointer, ends: [Int]) -> [UInt32] {
        [UInt32](unsafeUninitializedCapacity: ends.count) { output, count in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.batch) { hashes in
                var first = 0
                var start = 0
                while first < ends.count {
                    let size = min(Self.batch, ends.count - first)
                    var next = start
                    for place in 0..<size {
                        hashes[place] = hash(strings.slice(next..<ends[first + place]))
                        next = ends[first + place]
                        prefetch(hashes[place])
                    }
                    for place in 0..<size {
                        let end = ends[first + place]
                        output[first + place] = number(of: strings.slice(start..<end), hashes[place])
                        start = end
                    }
                    first += size
                }
            }
            count = ends.count
        }
    }

    mutating func numbers(of strings: [UInt8], ends: [Int]) -> [UInt32] {
        strings.withUnsafeBytes { numbers(of: $0, ends: ends) }
    }

    /// The numbers of all strings of another table, in the order of theirs.
    mutating func numbers(of other: ByteInterner) -> [UInt32] { numbers(of: other.arena, ends: other.ends) }

    /// As many as the processor can wait for at once, and some.
    private static let batch = 16

    private func prefetch(_ hash: UInt32) {
        slots.withUnsafeBufferPointer { slots in
            guard let start = slots.baseAddress else { return }
            custody_prefetch(start + (Int(hash) & (slots.count - 1)))
        }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: Self.hash(bytes, seed))
    }

    private mutating func number(of bytes: UnsafeRawBufferPointer, _ hash: UInt32) -> UInt32 {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let known = slots[slot]
            let number = UInt32(truncatingIfNeeded: known)
            if UInt32(known >> 32) == hash, isEqual(number, bytes) { return number }
            slot = (slot + 1) & mask
        }
        arena.append(contentsOf: bytes)
        ends.append(arena.count)
        let number = UInt32(ends.count)
        slots[slot] = UInt64(hash) << 32 | UInt64(number)
        if ends.count * 2 > slots.count { grow() }
        return number
    }

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
        let old = slots
        slots = [UInt64](repeating: 0, count: old.count * 2)
        let mask = slots.count - 1
        for known in old where known != 0 {
            var slot = Int(known >> 32) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = known
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
