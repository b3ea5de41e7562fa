/// The first 96 bytes of a journal file. (docs/format, "Journal", part "File".)
struct FileHeader: Sendable, Hashable {
    static let bytes = 96
    static let magic = Array("CUSTJRNL".utf8)
    static let version: UInt16 = 1

    /// The index of the file's first record; also its name.
    let firstIndex: UInt64
    /// The digest of the last frame of the file before; random in a journal's very first file, so that the frames of
    /// two journals never fit each other.
    let previous: Bytes32
    /// The header's own digest; the first frame's digest covers it.
    let digest: Bytes32

    init(firstIndex: UInt64, previous: Bytes32) {
        self.firstIndex = firstIndex
        self.previous = previous
        digest = Self.unsigned(firstIndex, previous).withUnsafeBytes { JournalDigest.fileHeader($0) }
    }

    /// Nil when the bytes are not a header of this version as Custody writes it.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.bytes else { return nil }
        let read = FileHeader(firstIndex: bytes.littleEndian(at: 16), previous: Bytes32(bytes.part(32..<64)))
        guard read.encoded.elementsEqual(bytes.prefix(Self.bytes)) else { return nil }
        self = read
    }

    var encoded: [UInt8] { Self.unsigned(firstIndex, previous) + digest.array }

    private static func unsigned(_ firstIndex: UInt64, _ previous: Bytes32) -> [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: UInt32(Self.bytes))
        bytes.append(littleEndian: firstIndex)
        bytes.append(littleEndian: UInt64(0))
        return bytes + previous.array
    }
}
