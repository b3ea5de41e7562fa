import EventModel

/// Collects one field's values: each distinct value once, found by an open-addressing table, and a number per row. Numbers
/// are given at first sight; ``write(to:field:rowCount:)`` sorts the values and turns numbers into codes.
///
/// Memory is managed by hand (``free()``), so that the inner loop counts no references.
struct ColumnBuilder {
    /// At random, so that nobody can choose values that collide.
    private let seed = UInt64.random(in: .min ... .max)
    /// Each distinct value, marked with the bundle that it was seen in last.
    private var values = NumberedTexts()
    private var slots = SlotTable()
    /// Number + 1 for each row (or member), 0 for none.
    private var codes = GrowableMemory<UInt32>()
    /// Where each row's members begin; filled only once a row has a second member.
    private var starts = GrowableMemory<UInt32>()
    private(set) var isList = false
    private var lastRow = -1
    private var nextElement = 0
    /// The number of the value that was added last.
    private var lastNumber: UInt32 = 0

    func free() {
        values.free()
        slots.free()
        codes.free()
        starts.free()
    }

    var valueCount: Int { values.count }

    /// Forgets everything but keeps the memory.
    mutating func removeAll() {
        values.removeAll()
        slots.removeAll()
        codes.removeAll()
        starts.removeAll()
        isList = false
        lastRow = -1
        nextElement = 0
        lastNumber = 0
    }

    /// How far the look-up of a value has come.
    struct LookUp: BitwiseCopyable {
        fileprivate let hash: UInt64
        /// The value's number + 1, where it is known already.
        fileprivate let known: UInt32
    }

    /// Begins to look a value up. Those of a record are begun, then gone on with, then added, so that they wait for memory together.
    @inline(__always)
    func beginLookUp(_ value: UnsafeRawBufferPointer) -> LookUp {
        // Many values repeat from one row to the next.
        if values.count > 0, values[lastNumber].hasSameBytes(as: value) {
            return LookUp(hash: 0, known: lastNumber + 1)
        }
        let hash = ByteInterner.hash(value, seed)
        slots.prefetch(hash)
        return LookUp(hash: hash, known: 0)
    }

    @inline(__always)
    func goOn(with lookUp: LookUp) {
        if lookUp.known == 0, let number = slots.likely(lookUp.hash) { values.prefetch(number) }
    }

    /// Adds a value of a row. Rows come in ascending order, and elements inside a row; what breaks that order is ignored.
    ///
    /// - Returns: Whether the value may be new in its bundle, so that its tokens are.
    @inline(__always)
    mutating func add(
        row: Int, element: Int, bundle: UInt32, _ value: UnsafeRawBufferPointer, _ lookUp: LookUp
    ) -> Bool {
        guard element == 0, row > lastRow, !isList else {
            return addMember(row: row, element: element, bundle, value, lookUp)
        }
        codes.append(0, repeated: row - codes.count)
        let (number, isNew) = number(of: value, lookUp, in: bundle)
        codes.append(number + 1)
        lastRow = row
        nextElement = 1
        return isNew
    }

    private mutating func addMember(
        row: Int, element: Int, _ bundle: UInt32, _ value: UnsafeRawBufferPointer, _ lookUp: LookUp
    ) -> Bool {
        guard row > lastRow || row == lastRow && element >= nextElement, element < EventRecord.maximumElements else {
            return true
        }
        if row > lastRow { nextElement = 0 }
        if !isList, element > 0 { becomeList() }
        while starts.count <= row { starts.append(UInt32(codes.count)) }
        codes.append(0, repeated: element - nextElement)
        let (number, isNew) = number(of: value, lookUp, in: bundle)
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

    /// A value's number, and whether its bundle sees it for the first time.
    @inline(__always)
    private mutating func number(
        of value: UnsafeRawBufferPointer, _ lookUp: LookUp, in bundle: UInt32
    ) -> (UInt32, isNew: Bool) {
        guard lookUp.known == 0 else {
            lastNumber = lookUp.known - 1
            return (lastNumber, values.mark(lastNumber, bundle))
        }
        switch slots.find(lookUp.hash, { values[$0].hasSameBytes(as: value) }) {
        case .known(let number):
            lastNumber = number
            return (number, values.mark(number, bundle))
        case .free(let place):
            slots.insert(lookUp.hash, at: place)
            lastNumber = values.append(value, mark: bundle)
            return (lastNumber, true)
        }
    }

    // MARK: Writing

    /// Writes the column's sections: values, offsets, codes and, for a list column, row starts.
    mutating func write(to composer: SegmentComposer, field: Field, rowCount: Int) throws {
        let count = valueCount
        let order = DictionaryOrder.sorted(0..<UInt32(count)) { values[$0] }
        var dictionary = DictionaryWriter(field, composer)
        var ranks = GrowableMemory<UInt32>(capacity: count + 1)
        defer {
            order.free()
            dictionary.free()
            ranks.free()
        }
        ranks.append(0, repeated: count + 1)
        try composer.section(.values, field: field) {
            for rank in 0..<count {
                let number = order[rank].number
                ranks[Int(number) + 1] = UInt32(rank + 1)
                try dictionary.append(values[number])
            }
            return try dictionary.finish()
        }
        try composer.section(.valueOffsets, field: field) { try dictionary.writeOffsets() }
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
}
