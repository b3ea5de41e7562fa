/// The records of one request in one partition, compressed and ready to be appended.
///
/// Request tasks make pages in parallel; that is where the work of the journal is done. The one owner of the
/// ``JournalWriter`` then only copies them. The journal never looks into a record.
package struct JournalPage: Sendable {
    package let partition: JournalPartition
    /// The number of records.
    package let count: Int
    /// Bytes of all records together, uncompressed.
    package let uncompressedBytes: Int
    let lengths: [UInt8]
    /// The records, compressed. When the page is written, this memory may serve another.
    package let compressed: [UInt8]

    /// Records of a frame: what is compressed, and decompressed, at once.
    package static let frameRecords = 256
    /// A frame ends early when its records reach this size.
    package static let frameRecordBytes = 1 << 20

    /// The level at which pages are compressed: fast, since pages live only until their segment is sealed.
    package static let defaultLevel: Int32 = -5

    /// Compresses records that lie one after another in a buffer.
    ///
    /// - Parameters:
    ///   - records: the records' bytes, without anything between them.
    ///   - lengths: each record's number of bytes.
    ///   - level: zstd's level; negative levels are faster and larger.
    ///   - room: an empty array, for what is compressed.
    /// - Throws: `tooLarge` beyond ``JournalLimits``; `malformedPage` when there is no record, an empty one, or the lengths do not add
    ///   up to the bytes.
    /// - Complexity: one compression of the bytes.
    package init(
        records: UnsafeRawBufferPointer, lengths: [UInt32], partition: JournalPartition,
        level: Int32 = JournalPage.defaultLevel, room: consuming [UInt8] = []
    ) throws {
        precondition(Compression.levels.contains(level) && room.isEmpty)
        guard !lengths.isEmpty else { throw JournalError(.malformedPage, "a page needs a record") }
        guard lengths.count <= JournalLimits.pageRecords, records.count <= JournalLimits.pageBytes else {
            throw JournalError(.tooLarge, "\(lengths.count) records of \(records.count) bytes do not fit into a page")
        }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(lengths.count * 2)
        var total = 0
        var parts: [Range<Int>] = []
        var begun = (record: 0, byte: 0)
        for (position, length) in lengths.enumerated() {
            guard length <= JournalLimits.recordBytes else {
                throw JournalError(.tooLarge, "a record of \(length) bytes is larger than \(JournalLimits.recordBytes)")
            }
            guard length > 0 else { throw JournalError(.malformedPage, "a record is empty") }
            VariableLength.append(length, to: &encoded)
            total += Int(length)
            let isFull = position + 1 - begun.record == Self.frameRecords || total - begun.byte >= Self.frameRecordBytes
            guard isFull || position + 1 == lengths.count else { continue }
            parts.append(begun.byte..<total)
            begun = (position + 1, total)
        }
        guard total == records.count else {
            throw JournalError(.malformedPage, "lengths add up to \(total), the records have \(records.count) bytes")
        }
        self.partition = partition
        self.lengths = encoded
        count = lengths.count
        uncompressedBytes = records.count
        var compressed = room
        compressed.reserveCapacity(Self.likelyBytes(ofRecords: records.count))
        try Compression.compress(parts.lazy.map { records.part($0) }, level: level) { frame in
            compressed.append(contentsOf: frame)
        }
        self.compressed = compressed
    }

    /// Compresses records that lie one after another in an array; see ``init(records:lengths:partition:level:room:)``.
    package init(
        records: [UInt8], lengths: [UInt32], partition: JournalPartition, level: Int32 = JournalPage.defaultLevel
    ) throws {
        self = try records.withUnsafeBytes {
            try JournalPage(records: $0, lengths: lengths, partition: partition, level: level)
        }
    }

    /// Room that what is compressed of so many bytes hardly ever needs more of.
    package static func likelyBytes(ofRecords count: Int) -> Int { count / 4 }

    /// At most so many bytes of a frame are taken by this page, its seeds included. A group whose pages add up to no more
    /// than ``JournalLimits/groupBytes`` fits into a frame.
    package var frameBytes: Int {
        PageHeader.bytes + (count + 7) / 8 + lengths.count + compressed.count
            + (count / Int(JournalBundle.size) + 2) * StoredSeed.bytes
    }
}
