import EventModel

/// One path of the payload over the rows of a segment, ready to be written.
struct PathColumnParts {
    /// The keys from the root, each a varint length and its bytes.
    var name: [UInt8]
    /// Rows that have the path, ascending, each once.
    var rows: UnsafeBufferPointer<UInt32>
    /// Nil where the values are not kept.
    var values: Values?

    struct Values {
        /// Distinct values as ``ValueKey``s, ascending, one behind the other.
        var bytes: UnsafeRawBufferPointer
        /// One more than there are values.
        var offsets: UnsafeBufferPointer<UInt32>
        /// For each entry its value's place.
        var codes: UnsafeBufferPointer<UInt32>
        /// Where each row's entries begin, one more than rows; nil where each row has one entry.
        var starts: UnsafeBufferPointer<UInt32>?
    }
}

/// Writes the sections of the index of payload paths. docs/format/segment.md §11. Its owner calls ``free()``.
struct PathIndexWriter {
    static let hasValues: UInt8 = 1
    static let hasStarts: UInt8 = 2
    /// The first byte of the directory.
    static let complete: UInt8 = 0
    static let overflowed: UInt8 = 1

    private let rowCount: Int
    private var directory = GrowableMemory<UInt8>(capacity: 1_024)
    private var data = GrowableMemory<UInt8>(capacity: 1 << 16)
    private var pathCount = 0

    init(rowCount: Int) {
        self.rowCount = rowCount
        directory.append(Self.complete)
    }

    func free() {
        directory.free()
        data.free()
    }

    /// Whether rows are kept as one bit for each row of the segment; else as numbers.
    static func isBitmap(present: Int, rowCount: Int) -> Bool { present * 32 >= rowCount }

    /// Adds the next path; names ascend.
    mutating func add(_ parts: PathColumnParts) {
        pathCount += 1
        directory.append(varint: UInt64(parts.name.count))
        parts.name.withUnsafeBytes { directory.append(bytes: $0) }
        directory.append(
            (parts.values == nil ? 0 : Self.hasValues) | (parts.values?.starts == nil ? 0 : Self.hasStarts))
        directory.append(varint: UInt64(parts.rows.count))
        directory.append(varint: UInt64(parts.values.map { $0.offsets.count - 1 } ?? 0))
        directory.append(varint: UInt64(parts.values?.codes.count ?? 0))
        directory.append(varint: UInt64(data.count))
        addRows(parts.rows)
        if let values = parts.values { add(values) }
    }

    private mutating func addRows(_ rows: UnsafeBufferPointer<UInt32>) {
        guard rows.count < rowCount else { return }
        if Self.isBitmap(present: rows.count, rowCount: rowCount) {
            let start = data.count
            data.append(0, repeated: (rowCount + 63) / 64 * 8)
            for row in rows { data[start + Int(row >> 3)] |= 1 << UInt8(row & 7) }
        } else {
            data.append(bytes: UnsafeRawBufferPointer(rows))
            align()
        }
    }

    private mutating func add(_ values: PathColumnParts.Values) {
        data.append(bytes: UnsafeRawBufferPointer(values.offsets))
        data.append(bytes: values.bytes)
        align()
        if let starts = values.starts {
            data.append(bytes: UnsafeRawBufferPointer(starts))
            align()
        }
        switch Self.codeWidth(valueCount: values.offsets.count - 1) {
        case 0: break
        case 1: for code in values.codes { data.append(UInt8(truncatingIfNeeded: code)) }
        default:
            for code in values.codes {
                data.append(UInt8(truncatingIfNeeded: code))
                data.append(UInt8(truncatingIfNeeded: code >> 8))
            }
        }
        align()
    }

    /// Bytes of one code: none where there is one value.
    static func codeWidth(valueCount: Int) -> Int { valueCount <= 1 ? 0 : valueCount <= 256 ? 1 : 2 }

    private mutating func align() { data.append(0, repeated: (8 - data.count & 7) & 7) }

    /// Writes what was added.
    ///
    /// - Parameter isOverflowed: there are more paths than the limit, and nothing was added.
    mutating func write(
        to composer: SegmentComposer, wideRows: UnsafeBufferPointer<UInt32>, isOverflowed: Bool
    ) throws {
        if isOverflowed { directory[0] = Self.overflowed }
        try composer.section(.pathData) {
            try composer.append(numbers: data.buffer)
            return pathCount
        }
        try composer.section(.paths) {
            try composer.append(numbers: directory.buffer)
            return pathCount
        }
        guard !isOverflowed, wideRows.count > 0 else { return }
        try composer.section(.wideRows) {
            try composer.append(numbers: wideRows)
            return wideRows.count
        }
    }
}
