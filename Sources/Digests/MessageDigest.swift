internal import CSHA256
internal import Crypto

/// SHA-256 of messages that lie in memory whole.
///
/// Where the processor has instructions for it, they are used as ``DigestQueue`` says; everywhere else Crypto is asked.
package enum MessageDigest {
    /// Bytes of a digest.
    package static let byteCount = 32
    /// The longest part that may go before a message's body.
    package static let maximumHeadBytes = Int(custody_sha256_longest_head)

    static let usesInstructions = custody_sha256_is_supported()

    /// Writes the digest of `head ‖ body`.
    ///
    /// - Precondition: The head has at most ``maximumHeadBytes``, and there is room for ``byteCount`` bytes.
    /// - Complexity: One compression for every 64 bytes; allocates nothing where the processor has the instructions.
    package static func write(
        of body: UnsafeRawBufferPointer,
        after head: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        to digest: UnsafeMutableRawPointer
    ) {
        precondition(head.count <= maximumHeadBytes, "a head is short")
        guard usesInstructions else { return writeWithCrypto(of: body, after: head, to: digest) }
        var message = custody_sha256_message(
            head: head.bytes, head_length: head.count, body: body.bytes, body_length: body.count,
            digest: digest.assumingMemoryBound(to: UInt8.self))
        custody_sha256_each(&message, 1)
    }

    static func writeWithCrypto(
        of body: UnsafeRawBufferPointer, after head: UnsafeRawBufferPointer, to digest: UnsafeMutableRawPointer
    ) {
        var function = SHA256()
        function.update(bufferPointer: head)
        function.update(bufferPointer: body)
        function.finalize().withUnsafeBytes { digest.copyMemory(from: $0.baseAddress!, byteCount: byteCount) }
    }
}

extension UnsafeRawBufferPointer {
    /// The memory as C sees it.
    var bytes: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
