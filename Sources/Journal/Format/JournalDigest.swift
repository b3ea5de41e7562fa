/// The digests that make a chain of everything in a journal: each covers the one before it, so that no file header and
/// no frame can be altered, dropped, moved or taken from another journal without a mismatch.
/// (docs/format, "Journal", part "Digests".)
enum JournalDigest {
    private static let headerLabel = Array("custody/journal/header/v1".utf8)
    private static let checkLabel = Array("custody/journal/check/v1".utf8)
    private static let frameLabel = Array("custody/journal/frame/v1".utf8)

    /// The digest of a file header's bytes before the digest.
    static func fileHeader(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
        digest(headerLabel, nil, bytes)
    }

    /// The digest of a frame's bytes before the digest.
    static func frame(_ bytes: UnsafeRawBufferPointer, after previous: Bytes32) -> Bytes32 {
        digest(frameLabel, previous, bytes)
    }

    /// The check of a frame header: so that a wrong length is known before it is believed.
    static func frameHeaderCheck(_ bytes: UnsafeRawBufferPointer, after previous: Bytes32) -> UInt64 {
        digest(checkLabel, previous, bytes).withUnsafeBytes { $0.littleEndian(UInt64.self, at: 0) }
    }

    private static func digest(
        _ label: [UInt8], _ previous: Bytes32?, _ bytes: UnsafeRawBufferPointer
    ) -> Bytes32 {
        var head = label
        previous?.withUnsafeBytes { head.append(contentsOf: $0) }
        return head.withUnsafeBytes { Bytes32(digestOf: bytes, after: $0) }
    }
}
