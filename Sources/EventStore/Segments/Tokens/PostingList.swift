import EventModel

/// Ascending ordinals of bundles, as the token index stores them: how many there are, then nothing when these are all
/// bundles, a bitmap when they are at least an eighth of them, else the gaps. docs/format/segment.md §10.
enum PostingList {
    /// - Parameter universe: how many bundles the segment has.
    static func append(
        _ ordinals: UnsafeBufferPointer<UInt32>, universe: Int, to output: inout GrowableMemory<UInt8>
    ) {
        output.append(varint: UInt64(ordinals.count))
        guard ordinals.count < universe else { return }
        if isBitmap(ordinals.count, universe) {
            let start = output.count
            output.append(0, repeated: (universe + 7) / 8)
            for ordinal in ordinals { output[start + Int(ordinal >> 3)] |= 1 << UInt8(ordinal & 7) }
        } else {
            var next: UInt32 = 0
            for ordinal in ordinals {
                output.append(varint: UInt64(ordinal - next))
                next = ordinal + 1
            }
        }
    }

    private static func isBitmap(_ count: Int, _ universe: Int) -> Bool { count * 8 >= universe }

    /// Reads a list and moves `position` behind it. False when the bytes are no list.
    static func read(
        _ bytes: UnsafeRawBufferPointer, at position: inout Int, universe: Int, _ visit: (UInt32) -> Void
    ) -> Bool {
        guard let stored = Varint.read(bytes, at: &position), stored <= UInt64(universe) else { return false }
        let count = Int(stored)
        if count == universe {
            for ordinal in 0..<universe { visit(UInt32(ordinal)) }
            return true
        }
        if isBitmap(count, universe) {
            let length = (universe + 7) / 8
            guard length <= bytes.count - position else { return false }
            for offset in 0..<length {
                var byte = bytes[position + offset]
                while byte != 0 {
                    let ordinal = offset * 8 + byte.trailingZeroBitCount
                    guard ordinal < universe else { return false }
                    visit(UInt32(ordinal))
                    byte &= byte - 1
                }
            }
            position += length
            return true
        }
        var next: UInt64 = 0
        for _ in 0..<count {
            guard let gap = Varint.read(bytes, at: &position), gap < UInt64(universe) - next else { return false }
            visit(UInt32(next + gap))
            next += gap + 1
        }
        return true
    }

    /// Moves `position` behind a list.
    @inline(__always)
    static func skip(_ bytes: UnsafeRawBufferPointer, at position: inout Int, universe: Int) -> Bool {
        guard let stored = Varint.read(bytes, at: &position), stored <= UInt64(universe) else { return false }
        let count = Int(stored)
        if count == universe { return true }
        if isBitmap(count, universe) {
            position += (universe + 7) / 8
            return position <= bytes.count
        }
        var rest = count
        while rest > 0, position < bytes.count {
            if bytes[position] < 0x80 { rest -= 1 }
            position += 1
        }
        return rest == 0
    }
}

extension GrowableMemory<UInt8> {
    @inline(__always)
    mutating func append(varint value: UInt64) {
        reserve(10)
        var value = value
        while value >= 0x80 {
            appendReserved(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        appendReserved(UInt8(truncatingIfNeeded: value))
    }

    @inline(__always)
    mutating func append(bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        append(contentsOf: start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    }
}

extension GrowableMemory<UInt8> {
    /// Appends a number's decimal digits.
    mutating func append(decimal value: Int64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var first = 20
        var rest = value.magnitude
        repeat {
            first -= 1
            digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if value < 0 { append(UInt8(ascii: "-")) }
        for position in first..<20 { append(digits[position]) }
    }
}
