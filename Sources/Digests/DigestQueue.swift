internal import CSHA256

/// Messages whose digests are wanted together.
///
/// A round of SHA-256 needs the result of the round before, so a processor that works on one message mostly waits; two
/// messages take hardly longer than one. So what is to be hashed is gathered, and done in pairs.
///
/// The queue keeps pointers: parts of messages and places for digests must stay where they are until ``run()`` returns.
package struct DigestQueue: ~Copyable {
    private let messages: UnsafeMutableBufferPointer<custody_sha256_message>
    private var count = 0
    private let usesInstructions: Bool

    /// - Parameter capacity: Messages that can wait at once.
    package init(capacity: Int) { self.init(capacity: capacity, usesInstructions: MessageDigest.usesInstructions) }

    init(capacity: Int, usesInstructions: Bool) {
        messages = .allocate(capacity: capacity)
        self.usesInstructions = usesInstructions
    }

    deinit { messages.deallocate() }

    /// Puts `head ‖ body` at the end of the queue; its digest will be written to the 32 bytes at `digest`.
    ///
    /// - Precondition: There is room, and the head has at most ``MessageDigest/maximumHeadBytes``. No message is the
    ///   digest of another one in the queue.
    package mutating func add(
        head: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), body: UnsafeRawBufferPointer,
        digest: UnsafeMutableRawPointer
    ) {
        precondition(count < messages.count, "the queue is full")
        precondition(head.count <= MessageDigest.maximumHeadBytes, "a head is short")
        messages.initializeElement(
            at: count,
            to: custody_sha256_message(
                head: head.bytes, head_length: head.count, body: body.bytes, body_length: body.count,
                digest: digest.assumingMemoryBound(to: UInt8.self)))
        count += 1
    }

    /// Writes the digests of all that waits.
    package mutating func run() {
        defer { count = 0 }
        if usesInstructions { return custody_sha256_each(messages.baseAddress, count) }
        for message in messages[..<count] {
            MessageDigest.writeWithCrypto(
                of: UnsafeRawBufferPointer(start: message.body, count: message.body_length),
                after: UnsafeRawBufferPointer(start: message.head, count: message.head_length), to: message.digest)
        }
    }
}
