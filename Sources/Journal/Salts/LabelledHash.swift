import Digests

/// SHA-256 of a label, one byte and 32 bytes of key material: the one shape of all hashes of the salt tree. Each is a
/// single compression of SHA-256, since label, byte and key fit into 55 bytes.
struct LabelledHash: Sendable {
    /// A node's child; the byte is 0 for the left one, 1 for the right one.
    static let treeNode = LabelledHash("custody/ggm/v1")
    /// Two salts of 16 bytes; the byte is the number of the pair.
    static let saltPair = LabelledHash("custody/salt/v1")

    private let label: StaticString
    /// Bytes of the label and of the byte behind it.
    var headBytes: Int { label.utf8CodeUnitCount + 1 }

    private init(_ label: StaticString) { self.label = label }

    func callAsFunction(_ byte: UInt8, _ key: Bytes32) -> Bytes32 {
        withUnsafeTemporaryAllocation(byteCount: headBytes, alignment: 1) { head in
            writeHead(byte, to: head)
            return key.withUnsafeBytes { Bytes32(digestOf: $0, after: UnsafeRawBufferPointer(head)) }
        }
    }

    /// Writes what is hashed before the key.
    func writeHead(_ byte: UInt8, to head: UnsafeMutableRawBufferPointer) {
        precondition(head.count == headBytes)
        head.copyMemory(
            from: UnsafeRawBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount))
        head[headBytes - 1] = byte
    }
}
