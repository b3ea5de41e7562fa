import EventModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Collects one field's values: each distinct value once in an arena, found by an open-addressing table, and a number per
/// row. Numbers are given at first sight; ``write(to:field:rowCount:)`` sorts the values and turns numbers into codes.
///
/// Memory is managed by hand (``free()``), so that the inner loop counts no references.
struct ColumnBuilder {
    private struct Slot: BitwiseCopyable {
        var hash: UInt32
        /// Number + 1; 0 is free.
        var entry: UInt32
    }

    private var arena = GrowableMemory<UInt8>(capacity: 1024)
    /// Where each distinct value ends in the arena; value 0 begins at 0.
    private var ends = GrowableMemory<UInt32>()
    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int
    /// The bundle that each distinct value was seen in last.
    private var bundles = GrowableMemory<UInt32>()
    /// Number + 1 for each row (or member), 0 for none.
    private var codes = GrowableMemory<UInt32>()
    /// Where each row's members begin; filled only once a row has a second member.
    private var starts = GrowableMemory<UInt32>()
    private(set) var isList = false
    private var lastRow = -1
    private var nextElement = 0

    init() {
        mask = 63
        slots = .allocate(capacity: 64)
        slots.initialize(repeating: Slot(hash: 0, entry: 0), count: 64)
    }

    func free() {
        arena.free()
        ends.free()
        slots.deallocate()
        bundles.free()
        codes.free()
        starts.free()
    }

    var valueCount: Int { ends.count }

    /// Forgets everything but keeps the memory.
    mutating func removeAll() {
        arena.removeAll()
        ends.removeAll()
        bundles.removeAll()
        codes.removeAll()
        starts.removeAll()
        slots.update(repeating: Slot(hash: 0, entry: 0), count: mask + 1)
        isList = false
        lastRow = -1
        nextElement = 0
    }

    /// Adds a value of a row. Rows come in ascending order, and elements inside a row; what breaks that order is ignored.
    ///
    /// - Returns: Whether the value may be new in its bundle, so that its tokens are.
    @inline(__always)
    mutating func add(row: Int, element: Int, bundle: UInt32, _ value: UnsafeRawBufferPointer) -> Bool {
        guard element == 0, row > lastRow, !isList else {
            return addMember(row: row, element: element, bundle, value)
        }
        codes.append(0, repeated: row - codes.count)
        let (number, isNew) = number(of: value, in: bundle)
        codes.append(number + 1)
        lastRow = row
        nextElement = 1
        return isNew
    }

    private mutating func addMember(row: Int, element: Int, _ bundle: UInt32, _ value: UnsafeRawBufferPointer) -> Bool {
        guard row > lastRow || row == lastRow && element >= nextElement, element < EventRecord.maximumElements else {
            return true
        }
        if row > lastRow { nextElement = 0 }
        if !isList, element > 0 { becomeList() }
        while starts.count <= row { starts.append(UInt32(codes.count)) }
        codes.append(0, repeated: element - nextElement)
        let (number, isNew) = number(of: value, in: bundle)
        codes.append(number + 1)
        lastRow = row
        nextElement = element + 1
        return isNew
    }

    /// Rows so far have at most one member each: drop the zeros of absent ones and note where rows begin.
    private mutating func becomeList() {
        isList = true
        var kept = 0
        for row in 0..<codes.count {
            starts.append(UInt32(kept))
            if codes[row] != 0 {
                codes[kept] = codes[row]
                kept += 1
            }
        }
        codes.truncate(to: kept)
    }

    // MARK: The table

    /// A value's number, and whether its bundle sees it for the first time.
    @inline(__always)
    private mutating func number(of value: UnsafeRawBufferPointer, in bundle: UInt32) -> (UInt32, isNew: Bool) {
        let hash = ValueHash.of(value)
        var position = Int(hash) & mask
        while true {
            let slot = slots[position]
            if slot.entry == 0 {
                bundles.append(bundle)
                return (insert(value, hash, at: position), true)
            }
            if slot.hash == hash, self.value(slot.entry - 1).hasSameBytes(as: value) {
                let number = Int(slot.entry - 1)
                let isNew = bundles[number] != bundle
                bundles[number] = bundle
                return (slot.entry - 1, isNew)
            }
            position = (position + 1) & mask
        }
    }

    private mutating func insert(_ value: UnsafeRawBufferPointer, _ hash: UInt32, at position: Int) -> UInt32 {
        if let source = value.baseAddress {
            arena.append(contentsOf: source.assumingMemoryBound(to: UInt8.self), count: value.count)
        }
        ends.append(UInt32(arena.count))
        slots[position] = Slot(hash: hash, entry: UInt32(ends.count))
        if ends.count * 2 > mask { growTable() }
        return UInt32(ends.count - 1)
    }

    private mutating func growTable() {
        let old = slots
        let oldCount = mask + 1
        mask = oldCount * 2 - 1
        slots = .allocate(capacity: mask + 1)
        slots.initialize(repeating: Slot(hash: 0, entry: 0), count: mask + 1)
        for slot in UnsafeBufferPointer(start: old, count: oldCount) where slot.entry != 0 {
            var position = Int(slot.hash) & mask
            while slots[position].entry != 0 { position = (position + 1) & mask }
            slots[position] = slot
        }
        old.deallocate()
    }

    @inline(__always)
    private func value(_ number: UInt32) -> UnsafeRawBufferPointer {
        let start = number == 0 ? 0 : Int(ends[Int(number) - 1])
        return UnsafeRawBufferPointer(start: arena.start + start, count: Int(ends[Int(number)]) - start)
    }

    // MARK: Writing

    /// Writes the column's sections: values, offsets, codes and, for a list column, row starts.
    mutating func write(to composer: SegmentComposer, field: Field, rowCount: Int) throws {
        let count = valueCount
        var order = GrowableMemory<DictionarySortKey>(capacity: max(count, 1))
        var offsets = GrowableMemory<UInt32>(capacity: count + 1)
        var ranks = GrowableMemory<UInt32>(capacity: count + 1)
        defer {
            order.free()
            offsets.free()
            ranks.free()
        }
        for number in 0..<count { order.append(DictionarySortKey(value(UInt32(number)), number: UInt32(number))) }
        sort(UnsafeMutableBufferPointer(start: order.start, count: count))
        ranks.append(0, repeated: count + 1)
        try composer.section(.values, field: field) {
            var end: UInt32 = 0
            for rank in 0..<count {
                let number = order[rank].number
                let value = value(number)
                ranks[Int(number) + 1] = UInt32(rank + 1)
                offsets.append(end)
                end += UInt32(value.count)
                try composer.append(value)
            }
            offsets.append(end)
            return count
        }
        try composer.section(.valueOffsets, field: field) {
            try composer.append(numbers: offsets.buffer)
            return count
        }
        if !isList { codes.append(0, repeated: rowCount - codes.count) }
        let writer = CodeWriter(valueCount: count, codes: codes.count)
        writer.append(codes.buffer, ranks.buffer)
        try writer.write(to: composer, field: field, isList: isList)
        guard isList else { return }
        while starts.count <= rowCount { starts.append(UInt32(codes.count)) }
        try composer.section(.rowStarts, field: field) {
            try composer.append(numbers: starts.buffer)
            return rowCount
        }
    }

    private func sort(_ keys: UnsafeMutableBufferPointer<DictionarySortKey>) {
        var keys = keys
        keys.sort { left, right in
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            return value(left.number).precedes(value(right.number))
        }
    }
}

/// A value's first eight bytes as a number that orders like them, so that most comparisons touch no value.
struct DictionarySortKey: BitwiseCopyable {
    var prefix: UInt64
    var number: UInt32

    @inline(__always)
    init(_ value: UnsafeRawBufferPointer, number: UInt32) {
        prefix = Self.prefix(of: value)
        self.number = number
    }

    @inline(__always)
    static func prefix(of value: UnsafeRawBufferPointer) -> UInt64 {
        if value.count >= 8 { return UInt64(bigEndian: value.loadUnaligned(as: UInt64.self)) }
        var prefix: UInt64 = 0
        for byte in value { prefix = prefix << 8 | UInt64(byte) }
        return value.isEmpty ? 0 : prefix << UInt64((8 - value.count) * 8)
    }
}

/// A fast hash for tables in memory; it is stored nowhere.
enum ValueHash {
    @inline(__always)
    static func of(_ value: UnsafeRawBufferPointer) -> UInt32 {
        var hash = UInt64(truncatingIfNeeded: value.count) ^ 0x9E37_79B9_7F4A_7C15
        var position = 0
        while position + 8 <= value.count {
            hash = mix(hash ^ value.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        if position < value.count {
            var rest: UInt64 = 0
            if value.count >= 8 {
                rest = value.loadUnaligned(fromByteOffset: value.count - 8, as: UInt64.self)
            } else {
                while position < value.count {
                    rest = rest << 8 | UInt64(value[position])
                    position += 1
                }
            }
            hash = mix(hash ^ rest)
        }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}
