import EventModel

/// One path of the payload over the rows of a segment: which rows have it and, unless there are too many, its values.
///
/// Sendable without the compiler's proof: all pointers go to memory that nobody writes any more and that `owner` holds.
struct PathColumn: @unchecked Sendable {
    let rowCount: Int
    /// Rows that have the path.
    let present: Int
    let keepsValues: Bool
    let valueCount: Int
    let entryCount: Int
    /// One bit for each row of the segment, 64 at a time; nil when all rows have the path or the rows are listed.
    let bitmap: UnsafePointer<UInt64>?
    /// Rows that have the path; nil when all have it or there is a bitmap.
    let rows: UnsafePointer<UInt32>?
    private let offsets: UnsafePointer<UInt32>?
    private let values: UnsafeRawPointer?
    let starts: UnsafePointer<UInt32>?
    let codeWidth: Int
    let codes: UnsafeRawPointer?
    private let owner: any AnyObject & Sendable

    /// - Returns: nil when the bytes are not those of such a column.
    init?(_ entry: PathIndex.Entry, _ data: UnsafeRawBufferPointer, rowCount: Int, owner: any AnyObject & Sendable) {
        self.rowCount = rowCount
        self.owner = owner
        present = entry.present
        keepsValues = entry.keepsValues
        valueCount = entry.valueCount
        entryCount = entry.entryCount
        codeWidth = PathIndexWriter.codeWidth(valueCount: valueCount)
        var reader = AlignedReader(data)
        var bitmap: UnsafePointer<UInt64>?
        var rows: UnsafePointer<UInt32>?
        if present < rowCount {
            if PathIndexWriter.isBitmap(present: present, rowCount: rowCount) {
                guard let words = reader.take((rowCount + 63) / 64 * 8)?.bindMemory(to: UInt64.self) else { return nil }
                guard words.reduce(0, { $0 + $1.nonzeroBitCount }) == present,
                    rowCount & 63 == 0 || words[words.count - 1] >> UInt64(rowCount & 63) == 0
                else { return nil }
                bitmap = words.baseAddress
            } else {
                guard let list = reader.take(present * 4)?.bindMemory(to: UInt32.self),
                    Self.ascends(list, below: rowCount)
                else { return nil }
                rows = list.baseAddress
                reader.align()
            }
        }
        self.bitmap = bitmap
        self.rows = rows
        guard keepsValues else {
            (offsets, values, starts, codes) = (nil, nil, nil, nil)
            return
        }
        guard let offsets = reader.take((valueCount + 1) * 4)?.bindMemory(to: UInt32.self), offsets[0] == 0,
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 < $1 }),
            let values = reader.take(Int(offsets[valueCount]))
        else { return nil }
        reader.align()
        self.offsets = offsets.baseAddress
        self.values = values.baseAddress
        if entry.hasStarts {
            guard let list = reader.take((present + 1) * 4)?.bindMemory(to: UInt32.self), list[0] == 0,
                zip(list, list.dropFirst()).allSatisfy({ $0 < $1 }), Int(list[present]) == entryCount
            else { return nil }
            starts = list.baseAddress
            reader.align()
        } else {
            guard entryCount == present else { return nil }
            starts = nil
        }
        guard let codes = reader.take(entryCount * codeWidth), Self.areCodes(codes, codeWidth, below: valueCount) else {
            return nil
        }
        self.codes = codes.baseAddress
    }

    private static func ascends(_ rows: UnsafeBufferPointer<UInt32>, below bound: Int) -> Bool {
        zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 } && (rows.last.map { Int($0) < bound } ?? true)
    }

    private static func areCodes(_ codes: UnsafeRawBufferPointer, _ width: Int, below bound: Int) -> Bool {
        switch width {
        case 0: true
        case 1: Int(codes.max() ?? 0) < bound
        default: Int(codes.bindMemory(to: UInt16.self).max() ?? 0) < bound
        }
    }

    // MARK: Values

    /// The ``ValueKey`` of a code.
    @inline(__always)
    func value(_ code: Int) -> UnsafeRawBufferPointer {
        guard let offsets, let values else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(
            start: values + Int(offsets[code]), count: Int(offsets[code + 1]) - Int(offsets[code]))
    }

    /// All values, in memory that the column holds; nil where they are not kept.
    var dictionary: DictionaryMerger.Dictionary? {
        guard let values, let offsets else { return nil }
        return .plain(PlainDictionary(values: values, offsets: offsets, count: valueCount))
    }

    /// Appends what a table makes of the codes of all entries.
    func appendCodes(as table: UnsafeBufferPointer<UInt32>, to output: inout GrowableMemory<UInt32>) {
        withExtendedLifetime(owner) {
            guard codeWidth > 0, let codes else {
                output.append(table.first ?? 0, repeated: entryCount)
                return
            }
            if codeWidth == 1 {
                let codes = codes.assumingMemoryBound(to: UInt8.self)
                for entry in 0..<entryCount { output.append(table[Int(codes[entry])]) }
            } else {
                let codes = codes.assumingMemoryBound(to: UInt16.self)
                for entry in 0..<entryCount { output.append(table[Int(codes[entry])]) }
            }
        }
    }

    /// Whether some row has an object here, of which there is no text.
    var hasObjects: Bool {
        (0..<valueCount).contains { value($0).first == ValueKey.json }
    }

    /// Whether each row of the segment has one value here, so that a row's number is its entry's.
    var hasEveryRowOnce: Bool { present == rowCount && starts == nil }

    @inline(__always)
    func code(at entry: Int) -> Int {
        guard let codes else { return 0 }
        switch codeWidth {
        case 0: return 0
        case 1: return Int(codes.load(fromByteOffset: entry, as: UInt8.self))
        default: return Int(codes.load(fromByteOffset: entry * 2, as: UInt16.self))
        }
    }

    /// The entries of the place-th row that has the path.
    @inline(__always)
    func entries(at place: Int) -> Range<Int> {
        guard let starts else { return place..<place + 1 }
        return Int(starts[place])..<Int(starts[place + 1])
    }

    /// Writes for each row of the segment the code of its first value plus 1; rows without the path keep what is there.
    func writeFirstCodes(to output: UnsafeMutableBufferPointer<UInt16>) {
        withExtendedLifetime(owner) {
            guard present == rowCount, starts == nil, let codes, codeWidth > 0 else {
                return forEachPlace(among: RowSet(allOf: rowCount)) { row, place in
                    output[row] = UInt16(code(at: entries(at: place).lowerBound) + 1)
                }
            }
            // All rows, one value each: nothing to look up, and the compiler makes vector instructions of it.
            if codeWidth == 1 {
                let codes = codes.assumingMemoryBound(to: UInt8.self)
                for row in 0..<rowCount { output[row] = UInt16(codes[row]) &+ 1 }
            } else {
                let codes = codes.assumingMemoryBound(to: UInt16.self)
                for row in 0..<rowCount { output[row] = codes[row] &+ 1 }
            }
        }
    }

    /// How many rows of a set have each first value, by code plus 1; at 0 those that lack the path.
    func counts(_ rows: RowSet) -> [Int] {
        withExtendedLifetime(owner) {
            var counts: [Int]
            let isAll = starts == nil && rows.count == rowCount
            if valueCount <= 1, starts == nil {
                counts = [presence(among: rows).count]
            } else if let codes, hasEveryRowOnce || isAll {
                // Entries and rows are the same, or all entries count, whose rows they are.
                let entries = isAll ? RowSet(allOf: entryCount) : rows
                counts = CodeCounts.of(
                    entries, SegmentCodes(codes, width: codeWidth, count: entryCount), bound: valueCount)
            } else {
                counts = [Int](repeating: 0, count: valueCount)
                counts.withUnsafeMutableBufferPointer { counts in
                    forEachPlace(among: rows) { _, place in counts[code(at: entries(at: place).lowerBound)] += 1 }
                }
            }
            return [rows.count - counts.reduce(0, +)] + counts
        }
    }

    // MARK: Rows

    /// The rows of a set that have the path.
    func presence(among candidates: RowSet) -> RowSet {
        guard present < rowCount else { return candidates }
        return withExtendedLifetime(owner) {
            var selected = candidates
            if let bitmap {
                selected.formIntersection(words: bitmap)
            } else {
                selected = RowSet(rowCount: rowCount)
                for place in 0..<present {
                    let row = Int(rows?[place] ?? 0)
                    if candidates.contains(row) { selected.insert(row) }
                }
            }
            return selected
        }
    }

    /// The rows of a set that have a value with one of some codes.
    ///
    /// - Parameter wanted: for each code whether it is.
    func rows(among candidates: RowSet, with wanted: [Bool]) -> RowSet {
        var selected = RowSet(rowCount: rowCount)
        guard wanted.contains(true) else { return selected }
        wanted.withUnsafeBufferPointer { wanted in
            forEachPlace(among: candidates) { row, place in
                for entry in entries(at: place) where wanted[code(at: entry)] {
                    selected.insert(row)
                    return
                }
            }
        }
        return selected
    }

    /// Calls `body` with each row of a set that has the path, ascending, and the row's place among all that have it.
    @inline(__always)
    func forEachPlace(among candidates: RowSet, _ body: (_ row: Int, _ place: Int) -> Void) {
        withExtendedLifetime(owner) {
            if let rows {
                for place in 0..<present where candidates.contains(Int(rows[place])) { body(Int(rows[place]), place) }
                return
            }
            guard let bitmap else {
                candidates.forEach { body($0, $0) }
                return
            }
            var before = 0
            for position in candidates.words.indices {
                let present = bitmap[position]
                var word = candidates.words[position] & present
                while word != 0 {
                    let bit = word.trailingZeroBitCount
                    body(position * 64 + bit, before + (present & ((1 << UInt64(bit)) - 1)).nonzeroBitCount)
                    word &= word - 1
                }
                before += present.nonzeroBitCount
            }
        }
    }
}

extension RowSet {
    mutating func formIntersection(words other: UnsafePointer<UInt64>) {
        filterWords { first, _ in other[first / 64] }
    }
}

/// Takes pieces of a buffer that begins at a multiple of eight bytes.
private struct AlignedReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, count <= bytes.count - position else { return nil }
        defer { position += count }
        return bytes.slice(position..<position + count)
    }

    mutating func align() { position = min((position + 7) & ~7, bytes.count) }
}
