package import EventModel

// Leaf indexes and times of rows.
extension SegmentReader {
    package func leafIndex(ofRow row: Int) throws -> LeafIndex {
        precondition(row >= 0 && row < rowCount)
        guard !isDense else { return LeafIndex(header.firstIndex + UInt64(row)) }
        var indexes = try leafIndexes()
        return indexes(row)
    }

    /// What ``leafIndex(ofRow:)`` says, for asking it of all rows.
    package func leafIndexes() throws -> LeafIndexes { try LeafIndexes(self) }

    package func row(of index: LeafIndex) throws -> Int? {
        guard indexes.contains(index) else { return nil }
        let wanted = index.rawValue - header.firstIndex
        if isDense { return Int(wanted) }
        if let runs = try leafRuns() { return runs.row(ofOffset: wanted, rowCount: rowCount) }
        var indexes = try leafIndexes()
        var (low, high) = (0, rowCount)
        while low < high {
            let middle = (low + high) / 2
            if indexes.offset(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        return low < rowCount && indexes.offset(low) == wanted ? low : nil
    }

    package func withTimes<Result>(
        _ field: Field, _ body: (UnsafeBufferPointer<Int64>) throws -> Result
    ) throws -> Result {
        precondition(field == .time || field == .received)
        let kind: SectionKind = field == .time ? .times : .received
        let memory = try decoded(kind) { try decodedTimes(kind) }
        return try withExtendedLifetime(memory) { try body(memory.bytes.bindMemory(to: Int64.self)) }
    }

    private func decodedTimes(_ kind: SectionKind) throws -> SegmentMemory {
        let times = try TimeChunks(self, kind)
        let memory = SegmentMemory(capacity: rowCount * 8)
        let start = memory.start.bindMemory(to: Int64.self, capacity: rowCount)
        for chunk in 0..<times.count { try times.decode(chunk, into: start + chunk * TimeSection.chunkRows) }
        memory.commit(rowCount * 8)
        return memory
    }

    /// The runs of leaf indexes, where they are stored so.
    func leafRuns() throws -> LeafRuns? {
        guard section(.leafIndexes)?.width == 0 else { return nil }
        return LeafRuns(try required(.leafIndexes))
    }
}
