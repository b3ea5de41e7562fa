import EventModel

/// What is stored of consecutive records, decompressed but not expanded. It borrows the memory of the ``BlockDecoder`` that made it.
struct StoredBlock {
    let firstRow: Int
    /// Of what is stored, expanded.
    let plainBytes: Int
    /// Of all rows, packed.
    let texts: UnsafeRawBufferPointer
    private let digits: UnsafeRawBufferPointer
    /// Where each row's text and digits end, and its bytes when it is expanded.
    private let rowEnds: UnsafeBufferPointer<RowEnds>

    struct RowEnds: BitwiseCopyable {
        var text: Int
        var digits: Int
        var plain: Int
    }

    init(
        firstRow: Int, plainBytes: Int, texts: UnsafeRawBufferPointer, digits: UnsafeRawBufferPointer,
        rowEnds: UnsafeBufferPointer<RowEnds>
    ) {
        self.firstRow = firstRow
        self.plainBytes = plainBytes
        self.texts = texts
        self.digits = digits
        self.rowEnds = rowEnds
    }

    var rows: Range<Int> { firstRow..<firstRow + rowEnds.count }

    /// The row whose text holds a byte of ``texts``.
    func row(holding offset: Int) -> Int {
        var (low, high) = (0, rowEnds.count)
        while low < high {
            let middle = (low + high) / 2
            if rowEnds[middle].text <= offset { low = middle + 1 } else { high = middle }
        }
        return firstRow + low
    }

    /// Where a row's text ends in ``texts``.
    func textEnd(ofRow row: Int) -> Int { rowEnds[row - firstRow].text }

    func text(ofRow row: Int) -> StoredText {
        let end = rowEnds[row - firstRow]
        let start = row == firstRow ? RowEnds(text: 0, digits: 0, plain: 0) : rowEnds[row - firstRow - 1]
        return StoredText(
            text: texts.slice(start.text..<end.text), digits: digits.slice(start.digits..<end.digits),
            count: end.plain - start.plain)
    }
}
