import EventModel

/// The places of one column that some rows need.
///
/// It reads bytes that nobody has checked yet, and so believes none of them: a wrong one leads to a page that is read for nothing.
struct ColumnPrefetch {
    /// With so many wanted rows for each page nearly all pages are wanted.
    private static let rowsPerPage = 4

    private let storage: SegmentStorage
    private let starts: SegmentSection?
    private let codes: SegmentSection
    private let offsets: SegmentSection
    private let values: SegmentSection
    /// Values that have one offset: a block of them where they are packed.
    private let valuesPerOffset: Int

    init?(_ reader: SegmentReader, _ field: Field) {
        guard let codes = reader.section(.codes, field), let offsets = reader.section(.valueOffsets, field),
            let values = reader.section(.values, field)
        else { return nil }
        storage = reader.storage
        starts = reader.section(.rowStarts, field)
        self.codes = codes
        self.offsets = offsets
        self.values = values
        let isPacked = PackedDictionary.isPacked(valueCount: Int(clamping: values.itemCount))
        valuesPerOffset = isPacked ? PackedDictionary.valuesPerBlock : 1
    }

    func tellStarts(of rows: [Int]) {
        guard let starts else { return }
        tell(of: starts, rows.count) { pages in for row in rows { pages.insert(row * 4, 8) } }
    }

    func tellCodes(of rows: [Int]) {
        let width = Int(codes.width)
        guard width > 0 else { return storage.prefetch(codes.range) }
        tell(of: codes, rows.count) { pages in
            forEachPosition(of: rows) { pages.insert($0 * width, width) }
        }
    }

    func tellOffsets(of rows: [Int]) {
        tell(of: offsets, rows.count) { pages in
            forEachCode(of: rows) { pages.insert(($0 - 1) / valuesPerOffset * 4, 8) }
        }
    }

    func tellValues(of rows: [Int]) {
        tell(of: values, rows.count) { pages in
            forEachCode(of: rows) { code in
                let place = (code - 1) / valuesPerOffset * 4
                guard let start = number(offsets, place, UInt32.self),
                    let end = number(offsets, place + 4, UInt32.self), start < end
                else { return }
                pages.insert(Int(start), Int(end - start))
            }
        }
    }

    private func tell(of section: SegmentSection, _ rowCount: Int, _ note: (inout PageSet) -> Void) {
        // Of a column that is the same in nearly all rows, codes are not looked up one by one: it is small.
        guard codes.width > 0, rowCount < section.pageCount * Self.rowsPerPage else {
            return storage.prefetch(section.range)
        }
        var pages = PageSet(section)
        note(&pages)
        pages.forEachRun(storage.prefetch)
    }

    /// Where the codes of rows are.
    private func forEachPosition(of rows: [Int], _ body: (Int) -> Void) {
        guard let starts else { return rows.forEach(body) }
        for row in rows {
            guard let first = number(starts, row * 4, UInt32.self), let end = number(starts, row * 4 + 4, UInt32.self),
                first <= end, Int(end - first) <= EventRecord.maximumElements
            else { continue }
            for position in first..<end { body(Int(position)) }
        }
    }

    private func forEachCode(of rows: [Int], _ body: (Int) -> Void) {
        let width = Int(codes.width)
        forEachPosition(of: rows) { position in
            let code: Int? =
                switch width {
                case 1: number(codes, position, UInt8.self).map(Int.init)
                case 2: number(codes, position * 2, UInt16.self).map(Int.init)
                default: number(codes, position * 4, UInt32.self).map(Int.init)
                }
            if let code, code > 0 { body(code) }
        }
    }

    private func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ section: SegmentSection, _ offset: Int, _: Number.Type
    ) -> Number? {
        guard offset >= 0, offset + MemoryLayout<Number>.size <= Int(section.length) else { return nil }
        return storage.bytes.number(at: section.range.lowerBound + offset, as: Number.self)
    }
}

/// Pages of one section.
private struct PageSet {
    private let section: SegmentSection
    private var words: [UInt64]

    init(_ section: SegmentSection) {
        self.section = section
        words = [UInt64](repeating: 0, count: section.pageCount / 64 + 1)
    }

    /// Adds the pages that hold some bytes; those beyond the section are none.
    mutating func insert(_ offset: Int, _ count: Int) {
        guard offset >= 0, count > 0, offset + count <= Int(section.length) else { return }
        for page in offset / SegmentSection.pageBytes...(offset + count - 1) / SegmentSection.pageBytes {
            words[page / 64] |= 1 << UInt64(page % 64)
        }
    }

    /// Hands over the bytes of neighbouring pages together, as places in the file.
    func forEachRun(_ body: (Range<Int>) -> Void) {
        var first: Int?
        for page in 0...section.pageCount {
            let isMember = page < section.pageCount && words[page / 64] & (1 << UInt64(page % 64)) != 0
            if isMember, first == nil { first = page }
            guard !isMember, let start = first else { continue }
            let base = section.range.lowerBound
            let end = min(base + page * SegmentSection.pageBytes, section.range.upperBound)
            body(base + start * SegmentSection.pageBytes..<end)
            first = nil
        }
    }
}
