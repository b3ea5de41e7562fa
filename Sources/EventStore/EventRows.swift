package import EventModel

/// What a query reads: an immutable run of rows in ascending leaf order, in memory or mapped from a file.
///
/// All rows are of one day of receipt and one retention class. Leaf indexes ascend but need not be dense. Everything is
/// safe to call from any thread. Bytes that come from a file are checked when they are first read, so that a damaged
/// file is an error that names file, section and offset, never a wrong answer: that is why the accessors throw
/// ``EventStoreError`` (`damaged`).
package protocol EventRows: Sendable {
    var rowCount: Int { get }
    /// The first and the last leaf index.
    var indexes: ClosedRange<LeafIndex> { get }
    /// The earliest and the latest event time (`time`; where a record lacks it, its `received`).
    var timeBounds: ClosedRange<Timestamp> { get }
    /// The earliest and the latest `received`.
    var receivedBounds: ClosedRange<Timestamp> { get }

    /// The leaf index of a row. Cost: constant.
    func leafIndex(ofRow row: Int) throws -> LeafIndex

    /// The row of a leaf, or nil when it is not here. Cost: O(log rows), constant when the indexes are dense.
    func row(of index: LeafIndex) throws -> Int?

    /// The nanoseconds of `time` or `received` of every row, in row order.
    ///
    /// - Parameter field: `.time` or `.received`; anything else is a programmer's mistake.
    func withTimes<Result>(
        _ field: Field, _ body: (UnsafeBufferPointer<Int64>) throws -> Result
    ) throws -> Result

    /// The column of a field; nil when no row has the field, or when it is not columnar (see ``EventModel/Field/isColumnar``).
    ///
    /// Cost: the first call on a mapped file reads the column once to check it; later calls are constant.
    func column(_ field: Field) throws -> SegmentColumn?

    /// Visits, in row order, the blocks that hold at least one of a range of rows, each decompressed once; for scans of
    /// everything. Return false from `body` to stop.
    func withBlocks(_ rows: Range<Int>, _ body: (RecordBlock) throws -> Bool) throws

    /// Visits the sealed records of the given ascending rows; each block is decompressed once. Return false from `body`
    /// to stop. The view is valid only inside `body`.
    func withRecords(_ rows: some Sequence<Int>, _ body: (Int, SealedView) throws -> Bool) throws
}

extension Field {
    /// Whether segments keep a dictionary column of the field.
    ///
    /// `time` and `received` are typed arrays instead (``EventRows/withTimes(_:_:)``). Fields that are nearly unique or
    /// free text would make a column as large as the values themselves: they are read from the records.
    package var isColumnar: Bool {
        switch self {
        case .time, .received, .schema, .id, .payloadSHA256, .payloadPart, .sourceDelivery, .ext, .normWarnings,
            .outcomeReason:
            false
        default: true
        }
    }
}

/// Consecutive records, decompressed: their sealed forms, or inside of the store what is stored of them. It borrows the bytes and
/// is valid only inside the call that got it.
package struct RecordBlock {
    /// The row of the first record, and how many there are.
    package let firstRow: Int
    package let rowCount: Int
    /// All records, one behind the other, without gaps.
    package let bytes: UnsafeRawBufferPointer
    /// Where each record ends in `bytes`, as unaligned little-endian 32-bit numbers.
    private let ends: UnsafeRawBufferPointer

    package init(firstRow: Int, rowCount: Int, bytes: UnsafeRawBufferPointer, ends: UnsafeRawBufferPointer) {
        self.firstRow = firstRow
        self.rowCount = rowCount
        self.bytes = bytes
        self.ends = ends
    }

    package var rows: Range<Int> { firstRow..<firstRow + rowCount }

    /// Where a row's record lies in ``bytes``.
    package func range(ofRow row: Int) -> Range<Int> {
        let position = row - firstRow
        return (position == 0 ? 0 : end(position - 1))..<end(position)
    }

    /// The row whose record holds a byte of ``bytes``. Cost: O(log rows).
    package func row(holding offset: Int) -> Int {
        var (low, high) = (0, rowCount)
        while low < high {
            let middle = (low + high) / 2
            if end(middle) <= offset { low = middle + 1 } else { high = middle }
        }
        return firstRow + low
    }

    /// The sealed record of a row, in a block of sealed forms.
    package func record(ofRow row: Int) throws -> SealedView { try SealedView(bytes.slice(range(ofRow: row))) }

    private func end(_ position: Int) -> Int {
        Int(UInt32(littleEndian: ends.loadUnaligned(fromByteOffset: position * 4, as: UInt32.self)))
    }
}
