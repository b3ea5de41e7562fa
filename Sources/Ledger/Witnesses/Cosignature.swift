/// A witness' timed signature under a checkpoint: 8 bytes of time and 64 of Ed25519. C2SP `tlog-cosignature`.
///
/// It says that at this time the checkpoint was the largest consistent one of its log that the witness had seen.
package struct Cosignature: Hashable, Sendable {
    /// The bytes of a cosignature, without the key id before them.
    package static let byteCount = 72
    /// The latest time that a cosignature can have.
    private static let maximumTime = UInt64(Int64.max)

    /// When the witness signed, in seconds since 1970.
    package let time: UInt64
    /// The Ed25519 signature over ``message(time:text:)``.
    let signature: [UInt8]

    init(time: UInt64, signature: [UInt8]) {
        self.time = time
        self.signature = signature
    }

    /// Reads a cosignature; `nil` for another length or an impossible time. Verifies nothing.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        time = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        guard time <= Self.maximumTime else { return nil }
        signature = Array(bytes.dropFirst(8))
    }

    /// The bytes as they stand in a signature line.
    package var bytes: [UInt8] { withUnsafeBytes(of: time.bigEndian) { Array($0) } + signature }

    /// What is signed: a header line, the time, and the whole text of the checkpoint.
    static func message(time: UInt64, text: [UInt8]) -> [UInt8] {
        Array("cosignature/v1\ntime \(time)\n".utf8) + text
    }
}
