import DurableFiles

/// Reads acknowledged records in the order of their indexes, from any thread, while the writer appends.
///
/// Every frame's digest is checked before a byte of it is used.
package struct JournalReader: Sendable {
    let catalogue: JournalCatalogue

    init(_ catalogue: JournalCatalogue) { self.catalogue = catalogue }

    /// The indexes in the journal now: recycling moves the start, appending the end.
    package var indexes: Range<UInt64> { catalogue.indexes }

    /// Calls `body` with all records from an index on, in order, in batches that are pages or parts of pages.
    ///
    /// - Parameters:
    ///   - first: the first index; the journal's end is allowed and gives nothing.
    ///   - end: stop before this index; by default at the journal's end as it is at the call.
    ///   - isWanted: pages of other partitions are checked, but neither decompressed nor handed on.
    /// - Throws: `notInJournal` when an index of the range was recycled or is not there yet; `altered` or `readFailed`
    ///   with the file; what `body` throws.
    /// - Complexity: reads, hashes and decompresses the frames; memory for one frame and one page.
    package func read(
        from first: UInt64, upTo end: UInt64? = nil, where isWanted: (JournalPartition) -> Bool = { _ in true },
        _ body: (JournalBatch) throws -> Void
    ) throws {
        let end = end ?? max(first, indexes.upperBound)
        var index = first
        while index < end {
            guard let location = catalogue.locate(index) else {
                throw JournalError(.notInJournal, "record \(index) is not in the journal")
            }
            index = try read(location, index..<end, isWanted, body)
        }
    }

    /// The batches with exactly the records of a range. For a few records; ``read(from:upTo:_:)`` is for many.
    package func records(in indexes: Range<UInt64>) throws -> [JournalBatch] {
        var batches: [JournalBatch] = []
        try read(from: indexes.lowerBound, upTo: indexes.upperBound) { batches.append($0) }
        return batches
    }

    /// Reads one frame's records and returns the index after its last.
    private func read(
        _ location: JournalCatalogue.Location, _ wanted: Range<UInt64>, _ isWanted: (JournalPartition) -> Bool,
        _ body: (JournalBatch) throws -> Void
    ) throws -> UInt64 {
        let frame = location.frame
        return try load(location).withUnsafeBytes { bytes in
            let (layout, content) = try Self.check(bytes, location)
            for page in layout.pages where page.indexes.overlaps(wanted) && isWanted(page.header.partition) {
                let indexes = page.indexes.clamped(to: wanted)
                let batch = JournalBatch(
                    indexes: indexes, partition: page.header.partition,
                    records: try Self.locating(location) { try JournalRecords(page, in: content, indexes: indexes) },
                    seeds: layout.seeds)
                try body(batch)
            }
            return frame.firstIndex + UInt64(layout.header.recordCount)
        }
    }

    /// The frame's bytes, preceded by the digest that it follows, which is what stands before it in its file.
    private func load(_ location: JournalCatalogue.Location) throws -> [UInt8] {
        let before = UInt64(Bytes32.count)
        do {
            return try location.file.read(
                at: location.frame.offset - before, count: Int(location.frame.length) + Bytes32.count)
        } catch let error as DurableFilesError where error.code == .endOfFile {
            throw Self.altered(location, "a frame is cut off")
        } catch let error as DurableFilesError {
            throw JournalError.reading(location.file.path, error)
        }
    }

    private static func check(
        _ bytes: UnsafeRawBufferPointer, _ location: JournalCatalogue.Location
    ) throws -> (FrameLayout, UnsafeRawBufferPointer) {
        let previous = Bytes32(bytes)
        let frame = bytes.part(Bytes32.count..<bytes.count)
        guard let header = FrameHeader(frame, after: previous), Int(header.length) == frame.count,
            header.firstIndex == location.frame.firstIndex,
            FrameCheck.hasValidDigest(frame, after: previous)
        else { throw altered(location, "a frame's digest is wrong") }
        return (try locating(location) { try FrameLayout(frame, header) }, frame)
    }

    /// Adds file and offset to an error that was found inside a frame.
    private static func locating<Result>(
        _ location: JournalCatalogue.Location, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch let error as JournalError {
            throw altered(location, error.description)
        }
    }

    private static func altered(_ location: JournalCatalogue.Location, _ reason: String) -> JournalError {
        JournalError(.altered, reason, file: location.file.path, offset: location.frame.offset)
    }
}
