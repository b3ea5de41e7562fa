/// The first 40 bytes of a frame. (docs/format, "Journal", part "Frame".)
struct FrameHeader: Sendable, Hashable {
    static let bytes = 40
    static let magic = Array("CJF1".utf8)
    /// The digest at the end of a frame.
    static let digestBytes = Bytes32.count

    /// Bytes of the whole frame, header and digest included.
    var length: UInt32
    /// The index of the frame's first record.
    var firstIndex: UInt64
    /// Records that have an index.
    var recordCount: UInt32
    var pageCount: UInt32
    var seedCount: UInt32

    init(length: UInt32, firstIndex: UInt64, recordCount: UInt32, pageCount: UInt32, seedCount: UInt32) {
        self.length = length
        self.firstIndex = firstIndex
        self.recordCount = recordCount
        self.pageCount = pageCount
        self.seedCount = seedCount
    }

    /// Nil when the bytes are not a frame header that follows this digest.
    init?(_ bytes: UnsafeRawBufferPointer, after previous: Bytes32) {
        guard bytes.count >= Self.bytes, bytes.prefix(4).elementsEqual(Self.magic),
            bytes.littleEndian(UInt32.self, at: 28) == 0,
            bytes.littleEndian(UInt64.self, at: 32)
                == JournalDigest.frameHeaderCheck(bytes.part(0..<32), after: previous)
        else { return nil }
        self.init(
            length: bytes.littleEndian(at: 4), firstIndex: bytes.littleEndian(at: 8),
            recordCount: bytes.littleEndian(at: 16), pageCount: bytes.littleEndian(at: 20),
            seedCount: bytes.littleEndian(at: 24))
        guard length >= UInt32(Self.bytes + Self.digestBytes), length <= UInt32(JournalLimits.frameBytes) else {
            return nil
        }
    }

    func encoded(after previous: Bytes32) -> [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: length)
        bytes.append(littleEndian: firstIndex)
        bytes.append(littleEndian: recordCount)
        bytes.append(littleEndian: pageCount)
        bytes.append(littleEndian: seedCount)
        bytes.append(littleEndian: UInt32(0))
        bytes.append(littleEndian: bytes.withUnsafeBytes { JournalDigest.frameHeaderCheck($0, after: previous) })
        return bytes
    }
}
