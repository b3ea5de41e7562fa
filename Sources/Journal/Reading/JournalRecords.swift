/// Records that lie one after another in one buffer.
package struct JournalRecords: Sendable {
    /// All records' bytes; some bytes may belong to none.
    package let bytes: [UInt8]
    /// Each record's place in ``bytes``, in order.
    private let places: [Range<Int32>]

    /// The number of records.
    package var count: Int { places.count }

    /// A record's place in ``bytes``.
    package func range(of record: Int) -> Range<Int> {
        Int(places[record].lowerBound)..<Int(places[record].upperBound)
    }

    /// Calls `body` with a record's bytes, which must not be used after it returns.
    package func withRecord<Result>(
        _ record: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try bytes.withUnsafeBytes { try body($0.part(range(of: record))) }
    }

    /// A record's bytes as an array of their own.
    package func copy(of record: Int) -> [UInt8] { Array(bytes[range(of: record)]) }

    /// Decompresses a page and finds the kept records whose indexes are in a range.
    ///
    /// - Throws: `altered` when the lengths or the compressed bytes are not what a page has.
    init(_ page: FrameLayout.Page, in frame: UnsafeRawBufferPointer, indexes: Range<UInt64>) throws {
        let header = page.header
        let size = Int(header.uncompressedBytes)
        var isWhole = false
        bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            isWhole = Compression.decompress(
                frame.part(page.compressed), into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: size)
            )
            initialized = isWhole ? size : 0
        }
        guard isWhole else { throw JournalError(.altered, "a page cannot be decompressed") }
        places = try Self.places(page, frame.part(page.lengths), indexes)
    }

    private static func places(
        _ page: FrameLayout.Page, _ lengths: UnsafeRawBufferPointer, _ indexes: Range<UInt64>
    ) throws -> [Range<Int32>] {
        var places: [Range<Int32>] = []
        places.reserveCapacity(page.mask.keptCount)
        var (position, start, index) = (0, Int32(0), page.firstIndex)
        for record in 0..<page.mask.count {
            guard let length = VariableLength.read(lengths, at: &position), length > 0,
                length <= JournalLimits.recordBytes, UInt32(start) + length <= page.header.uncompressedBytes
            else { throw JournalError(.altered, "a page's lengths are not valid") }
            let end = start + Int32(length)
            if page.mask.isKept(record) {
                if indexes.contains(index) { places.append(start..<end) }
                index += 1
            }
            start = end
        }
        guard position == lengths.count, UInt32(start) == page.header.uncompressedBytes else {
            throw JournalError(.altered, "a page's lengths do not fit its records")
        }
        return places
    }
}
