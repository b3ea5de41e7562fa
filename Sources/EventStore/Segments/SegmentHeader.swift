import EventModel
import Journal

/// The first 128 bytes of a segment: what it holds and where its directory is. docs/format/segment.md §2.
struct SegmentHeader: Equatable, Sendable {
    static let bytes = 128
    static let magic: UInt64 = 0x7453_7964_6F74_7343  // "CstodySt" read as a little-endian number
    static let version: UInt32 = 9

    var partition: JournalPartition
    var rowCount = 0
    var firstIndex: UInt64 = 0
    var lastIndex: UInt64 = 0
    var earliestTime = Int64.max
    var latestTime = Int64.min
    var earliestReceived = Int64.max
    var latestReceived = Int64.min
    /// Bytes of the sealed records before compression.
    var recordBytes: UInt64 = 0
    var fileBytes: UInt64 = 0
    var sectionCount = 0
    var directoryOffset: UInt64 = 0
    var directoryBytes: UInt64 = 0
    var directoryChecksum: UInt64 = 0

    init(partition: JournalPartition) { self.partition = partition }

    /// Extends the bounds by one row.
    @inline(__always)
    mutating func cover(time: Int64, received: Int64) {
        earliestTime = min(earliestTime, time)
        latestTime = max(latestTime, time)
        earliestReceived = min(earliestReceived, received)
        latestReceived = max(latestReceived, received)
    }

    /// The 128 bytes; the last eight are their checksum.
    func encoded() -> [UInt8] {
        var output = LittleEndianBytes()
        output.append(Self.magic)
        output.append(Self.version)
        output.append(UInt32(Self.bytes))
        output.append(UInt32(rowCount))
        output.append(partition.day)
        output.append(partition.retentionClass)
        output.append(UInt16(0))
        output.append(UInt32(sectionCount))
        output.append(firstIndex)
        output.append(lastIndex)
        for time in [earliestTime, latestTime, earliestReceived, latestReceived] { output.append(time) }
        output.append(recordBytes)
        output.append(fileBytes)
        output.append(directoryOffset)
        output.append(directoryBytes)
        output.append(directoryChecksum)
        output.append(Checksum.of(output.bytes))
        return output.bytes
    }

    /// Reads a header and checks that it is one.
    ///
    /// - Throws: `damaged` or `unknownVersion`, naming the file.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws {
        func damaged(_ reason: String) -> EventStoreError {
            SegmentFault(file: file, section: "header", offset: 0, reason: reason).error
        }
        guard bytes.count >= Self.bytes else { throw damaged("is shorter than a header") }
        var reader = LittleEndianReader(bytes.slice(0..<Self.bytes))
        guard reader.next(UInt64.self) == Self.magic else { throw damaged("is not a segment") }
        guard Checksum.of(bytes.slice(0..<Self.bytes - 8)) == bytes.number(at: Self.bytes - 8, as: UInt64.self) else {
            throw damaged("checksum mismatch")
        }
        let version = reader.next(UInt32.self)
        guard version == Self.version, reader.next(UInt32.self) == Self.bytes else {
            let reason =
                version < Self.version
                ? "is of a version before the first release, which nothing reads any more; ingest its events again"
                : "is of a newer Custody"
            throw EventStoreError(.unknownVersion, "\(file): segment version \(version) \(reason)")
        }
        rowCount = Int(reader.next(UInt32.self))
        let day = reader.next(Int32.self)
        partition = JournalPartition(day: day, retentionClass: reader.next(UInt16.self))
        let reserved = reader.next(UInt16.self)
        sectionCount = Int(reader.next(UInt32.self))
        firstIndex = reader.next(UInt64.self)
        lastIndex = reader.next(UInt64.self)
        earliestTime = reader.next(Int64.self)
        latestTime = reader.next(Int64.self)
        earliestReceived = reader.next(Int64.self)
        latestReceived = reader.next(Int64.self)
        recordBytes = reader.next(UInt64.self)
        fileBytes = reader.next(UInt64.self)
        directoryOffset = reader.next(UInt64.self)
        directoryBytes = reader.next(UInt64.self)
        directoryChecksum = reader.next(UInt64.self)
        guard reserved == 0, rowCount > 0, lastIndex >= firstIndex, lastIndex - firstIndex >= UInt64(rowCount - 1),
            earliestTime <= latestTime, earliestReceived <= latestReceived
        else { throw damaged("contradicts itself") }
        guard fileBytes == UInt64(bytes.count) else {
            throw damaged("says \(fileBytes) bytes where the file has \(bytes.count)")
        }
        let (end, overflow) = directoryOffset.addingReportingOverflow(directoryBytes)
        guard !overflow, end == fileBytes, directoryOffset >= UInt64(Self.bytes) else {
            throw damaged("places the directory outside of the file")
        }
    }
}
