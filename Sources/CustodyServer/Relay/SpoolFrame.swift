import Crypto

/// The head of a delivery in a relay's spool; its sealed bytes stand behind it.
///
///     length of the sealed bytes (4) | number (8) | what it is counted under (8) | digest (16)
///
/// Numbers are little-endian. The digest is the first half of SHA-256 over what stands before it and the sealed bytes.
struct SpoolFrame {
    private static let digestOffset = 4 + 8 + 8
    static let headBytes = digestOffset + 16

    private let head: [UInt8]

    /// - Parameter head: ``headBytes`` bytes.
    init(_ head: [UInt8]) { self.head = head }

    var length: Int { Int(RelayFrames.number(head[0..<4])) }
    var number: UInt64 { RelayFrames.number(head[4..<12]) }
    var name: UInt64 { RelayFrames.number(head[12..<Self.digestOffset]) }
    /// Of head and sealed bytes.
    var bytes: UInt64 { UInt64(Self.headBytes + length) }

    /// Whether head and sealed bytes are what was written.
    func isWhole(with sealed: [UInt8]) -> Bool {
        Self.digest(head[..<Self.digestOffset], sealed) == Array(head[Self.digestOffset...])
    }

    static func head(number: UInt64, name: UInt64, _ sealed: [UInt8]) -> [UInt8] {
        var head: [UInt8] = []
        withUnsafeBytes(of: UInt32(sealed.count).littleEndian) { head.append(contentsOf: $0) }
        withUnsafeBytes(of: number.littleEndian) { head.append(contentsOf: $0) }
        withUnsafeBytes(of: name.littleEndian) { head.append(contentsOf: $0) }
        return head + digest(head[...], sealed)
    }

    private static func digest(_ head: ArraySlice<UInt8>, _ sealed: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(head))
        hash.update(data: sealed)
        return Array(hash.finalize().prefix(16))
    }
}
