import Crypto

/// SHA-256 of a label, one byte and 32 bytes of key material: the one shape of all hashes of the salt tree. Each is a
/// single compression of SHA-256, since label, byte and key fit into 55 bytes.
struct LabelledHash: Sendable {
    /// A node's child; the byte is 0 for the left one, 1 for the right one.
    static let treeNode = LabelledHash("custody/ggm/v1")
    /// Two salts of 16 bytes; the byte is the number of the pair.
    static let saltPair = LabelledHash("custody/salt/v1")

    private let label: [UInt8]

    private init(_ label: String) { self.label = Array(label.utf8) }

    func callAsFunction(_ byte: UInt8, _ key: Bytes32) -> Bytes32 {
        withUnsafeTemporaryAllocation(byteCount: label.count + 1 + Bytes32.count, alignment: 8) { message in
            message.copyBytes(from: label)
            message[label.count] = byte
            key.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: message[(label.count + 1)...]).copyMemory(from: $0)
            }
            return SHA256.hash(data: UnsafeRawBufferPointer(message)).withUnsafeBytes { Bytes32($0) }
        }
    }
}
