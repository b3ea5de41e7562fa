package import EventModel
package import Journal

/// One live segment, as the manifest names it.
package struct SegmentEntry: Equatable, Sendable {
    package let partition: JournalPartition
    package let indexes: ClosedRange<LeafIndex>
    package let rowCount: Int
    package let timeBounds: ClosedRange<Timestamp>
    package let receivedBounds: ClosedRange<Timestamp>
    /// Bytes of the sealed records before compression.
    package let recordBytes: UInt64
    package let fileBytes: UInt64
    /// The checksum in the segment's header, which covers directory and page checksums and so the whole file.
    package let checksum: UInt64
    /// How often its rows were rewritten because something of them was destroyed. Part of the file's name, so that a new
    /// file never takes the place of one that is still read.
    package let generation: Int

    /// The segment's path inside the store's directory: `2026-11-23/0/FIRST-LAST.segment`, after rewriting
    /// `FIRST-LAST.1.segment` and so on.
    package var path: String {
        let suffix = generation == 0 ? "" : ".\(generation)"
        return "\(directory)/\(padded(indexes.lowerBound))-\(padded(indexes.upperBound))\(suffix).segment"
    }

    /// The directory of a partition's segments: day of receipt, retention class.
    var directory: String { Self.directory(of: partition) }

    static func directory(of partition: JournalPartition) -> String {
        "\(dayText(partition.day))/\(partition.retentionClass)"
    }

    /// `2026-11-23` for a day number.
    static func dayText(_ day: Int32) -> String {
        String(Timestamp(seconds: Int64(day) * 86_400).text.prefix(10))
    }

    static func dayNumber(_ text: some StringProtocol) -> Int32? {
        guard let time = Timestamp(parsing: String(text)), dayText(time.day) == text else { return nil }
        return time.day
    }

    /// Zeros in front make names sort like numbers.
    private func padded(_ index: LeafIndex) -> String {
        let digits = String(index.rawValue)
        return String(repeating: "0", count: 20 - digits.count) + digits
    }
}

extension SegmentEntry {
    init(_ reader: SegmentReader) {
        self.init(
            header: reader.header, checksum: reader.headerChecksum, generation: Self.generation(ofName: reader.name))
    }

    /// The generation that a file's name tells; 0 for other names.
    private static func generation(ofName name: String) -> Int {
        let parts = name.split(separator: ".")
        return parts.count == 3 ? Int(parts[1]) ?? 0 : 0
    }

    init(header: SegmentHeader, checksum: UInt64, generation: Int = 0) {
        self.generation = generation
        partition = header.partition
        indexes = LeafIndex(header.firstIndex)...LeafIndex(header.lastIndex)
        rowCount = header.rowCount
        timeBounds = Timestamp(rawValue: header.earliestTime)...Timestamp(rawValue: header.latestTime)
        receivedBounds = Timestamp(rawValue: header.earliestReceived)...Timestamp(rawValue: header.latestReceived)
        recordBytes = header.recordBytes
        fileBytes = header.fileBytes
        self.checksum = checksum
    }
}
