import EventModel

/// A value's first eight bytes behind what all values have in common, as a number that orders like them, so that most
/// comparisons touch no value.
struct DictionarySortKey: BitwiseCopyable {
    var prefix: UInt64
    var number: UInt32

    @inline(__always)
    init(_ value: UnsafeRawBufferPointer, behind common: Int, number: UInt32) {
        prefix = Self.prefix(of: value, behind: common)
        self.number = number
    }

    /// - Parameter common: at most as many as the value has bytes.
    @inline(__always)
    static func prefix(of value: UnsafeRawBufferPointer, behind common: Int = 0) -> UInt64 {
        let count = value.count - common
        if count >= 8 {
            return UInt64(bigEndian: value.loadUnaligned(fromByteOffset: common, as: UInt64.self))
        }
        var prefix: UInt64 = 0
        for position in common..<value.count { prefix = prefix << 8 | UInt64(value[position]) }
        return count == 0 ? 0 : prefix << UInt64((8 - count) * 8)
    }
}

/// The bytewise order of a dictionary's values.
enum DictionaryOrder {
    /// Fewer values are compared, more are counted by their bytes.
    private static let fewest = 256
    /// Of longer beginnings the rest is compared: nobody's values make a pass over all of them slow.
    private static let longestCommon = 256

    /// The numbers of values in the order of these; values differ from one another. The caller frees the result.
    ///
    /// Cost: about 20 ns a value.
    static func sorted(
        _ numbers: Range<UInt32>, _ value: (UInt32) -> UnsafeRawBufferPointer
    ) -> GrowableMemory<DictionarySortKey> {
        var keys = GrowableMemory<DictionarySortKey>(capacity: max(numbers.count, 1))
        guard let first = numbers.first else { return keys }
        // Digests, addresses and times differ late.
        var common = min(value(first).count, longestCommon)
        for number in numbers { common = commonPrefix(value(first), value(number), upTo: common) }
        for number in numbers { keys.append(DictionarySortKey(value(number), behind: common, number: number)) }
        guard keys.count >= fewest else {
            sort(UnsafeMutableBufferPointer(start: keys.start, count: keys.count), value)
            return keys
        }
        sortByPrefix(&keys)
        var start = 0
        while start < keys.count {
            var end = start + 1
            while end < keys.count, keys[end].prefix == keys[start].prefix { end += 1 }
            if end - start > 1 {
                sort(UnsafeMutableBufferPointer(start: keys.start + start, count: end - start), value)
            }
            start = end
        }
        return keys
    }

    /// How many of the first bytes two values have in common, at most `limit`.
    @inline(__always)
    static func commonPrefix(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, upTo limit: Int) -> Int {
        let count = min(limit, left.count, right.count)
        var common = 0
        while common + 8 <= count {
            let difference =
                left.loadUnaligned(fromByteOffset: common, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: common, as: UInt64.self)
            guard difference == 0 else { return common + difference.littleEndian.trailingZeroBitCount / 8 }
            common += 8
        }
        while common < count, left[common] == right[common] { common += 1 }
        return common
    }

    private static func sort(
        _ keys: UnsafeMutableBufferPointer<DictionarySortKey>, _ value: (UInt32) -> UnsafeRawBufferPointer
    ) {
        var keys = keys
        keys.sort { left, right in
            left.prefix != right.prefix
                ? left.prefix < right.prefix : value(left.number).precedes(value(right.number))
        }
    }

    /// From the last byte to the first, each keeping the order of those before; bytes that do not differ are passed over.
    private static func sortByPrefix(_ keys: inout GrowableMemory<DictionarySortKey>) {
        let count = keys.count
        var other = GrowableMemory<DictionarySortKey>(capacity: count)
        var places = GrowableMemory<UInt32>(capacity: 8 * 256)
        defer {
            other.free()
            places.free()
        }
        other.append(keys[0], repeated: count)
        places.append(0, repeated: 8 * 256)
        for key in keys.buffer {
            for digit in 0..<8 { places[digit << 8 | Self.digit(digit, of: key)] += 1 }
        }
        for digit in 0..<8 {
            let first = digit << 8
            guard places[first | Self.digit(digit, of: keys[0])] < count else { continue }
            var sum: UInt32 = 0
            for place in first..<first + 256 {
                let own = places[place]
                places[place] = sum
                sum += own
            }
            for key in keys.buffer {
                let place = first | Self.digit(digit, of: key)
                other[Int(places[place])] = key
                places[place] += 1
            }
            swap(&keys, &other)
        }
    }

    /// A byte of a key's prefix, the last one first.
    @inline(__always)
    private static func digit(_ digit: Int, of key: DictionarySortKey) -> Int {
        Int(truncatingIfNeeded: key.prefix >> UInt64(digit * 8)) & 0xFF
    }
}
