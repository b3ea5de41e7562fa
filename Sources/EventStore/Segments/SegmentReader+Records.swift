package import EventModel

extension SegmentReader {
    package func withBlocks(_ rows: Range<Int>, _ body: (RecordBlock) throws -> Bool) throws {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount)
        let decoder = try BlockDecoder(self)
        var row = rows.lowerBound
        while row < rows.upperBound {
            let block = try decoder.block(holding: row)
            guard try body(block) else { return }
            row = block.rows.upperBound
        }
    }

    package func withRecords(_ rows: some Sequence<Int>, _ body: (Int, SealedView) throws -> Bool) throws {
        let decoder = try BlockDecoder(self)
        for row in rows {
            precondition(row >= 0 && row < rowCount)
            guard try body(row, decoder.record(ofRow: row)) else { return }
        }
    }
}
