import Crypto
import EventModel
import Journal

extension SegmentReader {
    /// Reads everything again and reports what is not as it was written: every page and block, unused space that is not
    /// zero, records that do not open. Reports nothing for a sound segment and changes nothing. Holds little memory.
    ///
    /// Cost: the file's bytes and the decompression of all records, about 1 GB of records a second.
    package func verify(_ report: (SegmentFault) -> Void) {
        var isSound = true
        func note(_ fault: SegmentFault) {
            isSound = false
            report(fault)
        }
        var end = UInt64(SegmentHeader.bytes)
        for section in sections {
            verifyZeros(Int(end)..<Int(section.offset), note)
            end = section.offset + section.length
            if let fault = firstFault(in: section) { note(fault) }
            storage.release(section.range)
        }
        verifyZeros(Int(end)..<Int(header.directoryOffset), note)
        guard isSound else { return }
        do {
            let decoder = try BlockDecoder(self)
            for number in 0..<decoder.blockCount {
                do {
                    try verify(number, decoder)
                } catch let error as EventModelError {
                    report(
                        SegmentFault(
                            file: name, section: "records", offset: decoder.entry(number).offset, reason: error.reason))
                } catch let error as EventStoreError {
                    report(SegmentFault(file: name, section: "records", offset: 0, reason: error.reason))
                }
            }
            release(.records)
        } catch {
            report(SegmentFault(file: name, section: "records", offset: 0, reason: "\(error)"))
        }
    }

    private func verify(_ number: Int, _ decoder: BlockDecoder) throws {
        let first = Int(decoder.entry(number).firstRow)
        for row in first..<first + Int(decoder.entry(number).rowCount) {
            let record = try decoder.record(ofRow: row)
            guard JournalPartition(day: record.received.day, retentionClass: record.retentionClass) == partition else {
                throw EventModelError(.malformedSealedForm, "row \(row) belongs to another day or class")
            }
        }
    }

    private func verifyZeros(_ range: Range<Int>, _ report: (SegmentFault) -> Void) {
        guard range.contains(where: { storage.bytes[$0] != 0 }) else { return }
        report(
            SegmentFault(
                file: name, section: "padding", offset: UInt64(range.lowerBound), reason: "unused space is not zero"))
    }

    /// SHA-256 over the index: leaf indexes, times and columns. It depends on the records and their leaf indexes alone,
    /// not on how the segment came to be, so that a segment's seal can commit to it. docs/format/segment.md §8.
    package func indexDigest() throws -> [UInt8] {
        var hash = SHA256()
        var prefix = LittleEndianBytes()
        prefix.append(UInt64(rowCount))
        prefix.append(header.firstIndex)
        prefix.append(header.lastIndex)
        hash.update(data: prefix.bytes)
        for section in sections where section.kind.isIndex {
            var description = LittleEndianBytes()
            description.append(section.kind.rawValue)
            description.append(section.field)
            description.append(section.width)
            description.append(section.itemCount)
            description.append(section.length)
            hash.update(data: description.bytes)
            let field = Field(rawValue: section.field)
            if let bytes = try bytes(section.kind, field) { hash.update(bufferPointer: bytes) }
            release(section.kind, field)
        }
        return Array(hash.finalize())
    }

    /// The ``indexDigest()`` that the segment's records ought to have: builds the index again. An index that hides a
    /// record, or claims what no record says, differs.
    ///
    /// Cost: about 2 µs a row, and the index in memory.
    package func rebuiltIndexDigest() throws -> [UInt8] { try rebuilt()?.indexDigest() ?? [] }

    /// The name of the first part of the index that is not what the segment's records give; nil when all are.
    ///
    /// Cost: as ``rebuiltIndexDigest()``.
    package func differentIndexSection() throws -> String? {
        guard let rebuilt = try rebuilt() else { return nil }
        let right = rebuilt.sections.filter(\.kind.isIndex)
        let own = sections.filter(\.kind.isIndex)
        for (right, own) in zip(right, own) {
            guard right.kind == own.kind, right.field == own.field else { return right.name }
            let field = Field(rawValue: own.field)
            let same = try bytes(own.kind, field).map { own in
                try rebuilt.bytes(right.kind, field).map { own.hasSameBytes(as: $0) } ?? false
            }
            if same == false { return own.name }
        }
        guard right.count != own.count else { return nil }
        return (right.count > own.count ? right : own)[min(right.count, own.count)].name
    }

    private func rebuilt() throws -> SegmentReader? {
        let writer = try SegmentWriter(partition: partition, compressionLevel: 1, keepsRecords: false)
        try withRecords(0..<rowCount) { row, record in
            try writer.append(record, index: leafIndex(ofRow: row), key: .none)
            return true
        }
        release()
        return try writer.finish().map { try SegmentReader(.memory($0), name: name, isTrusted: true) }
    }
}

extension StoreSnapshots {
    /// Verifies every segment file that is searched; see ``SegmentReader/verify(_:)``. What was missing or damaged when
    /// the store was opened is in ``SegmentStore/faults``.
    package func verify(_ report: (SegmentFault) -> Void) {
        for segment in segments() where segment.isFile { segment.verify(report) }
    }
}

extension SegmentReader {
    /// One line for each section, for people: name, items, bytes and bytes a row.
    package var layout: [String] {
        sections.map { section in
            let share = Double(section.length) / Double(rowCount)
            return
                "\(section.name): \(section.itemCount) items, \(section.length) bytes, \((share * 10).rounded() / 10) a row"
        }
    }
}
