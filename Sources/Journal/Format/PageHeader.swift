/// The 28 bytes before a page's mask, lengths and compressed records. (docs/format, "Journal", part "Page".)
struct PageHeader: Sendable, Hashable {
    static let bytes = 28

    var partition: JournalPartition
    /// All records, kept or not.
    var recordCount: UInt32
    var uncompressedBytes: UInt32
    var maskBytes: UInt32
    var lengthBytes: UInt32
    var compressedBytes: UInt32

    init(_ page: JournalPage, kept: RecordMask) {
        partition = page.partition
        recordCount = UInt32(page.count)
        uncompressedBytes = UInt32(page.uncompressedBytes)
        maskBytes = UInt32(kept.storedBytes)
        lengthBytes = UInt32(page.lengths.count)
        compressedBytes = UInt32(page.compressed.count)
    }

    /// Nil when the bytes are too few, or say more than the limits allow.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.bytes, bytes.littleEndian(UInt16.self, at: 6) == 0 else { return nil }
        partition = JournalPartition(day: bytes.littleEndian(at: 0), retentionClass: bytes.littleEndian(at: 4))
        recordCount = bytes.littleEndian(at: 8)
        uncompressedBytes = bytes.littleEndian(at: 12)
        maskBytes = bytes.littleEndian(at: 16)
        lengthBytes = bytes.littleEndian(at: 20)
        compressedBytes = bytes.littleEndian(at: 24)
        guard recordCount > 0, recordCount <= JournalLimits.pageRecords,
            uncompressedBytes <= JournalLimits.pageBytes
        else { return nil }
    }

    /// Bytes that follow the header.
    var bodyBytes: Int { Int(maskBytes) + Int(lengthBytes) + Int(compressedBytes) }

    func append(to bytes: inout [UInt8]) {
        bytes.append(littleEndian: partition.day)
        bytes.append(littleEndian: partition.retentionClass)
        bytes.append(littleEndian: UInt16(0))
        for value in [recordCount, uncompressedBytes, maskBytes, lengthBytes, compressedBytes] {
            bytes.append(littleEndian: value)
        }
    }
}
