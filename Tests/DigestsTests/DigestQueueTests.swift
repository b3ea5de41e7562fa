import Testing

@testable import Digests

@Suite("Digests that are made together")
struct DigestQueueTests {
    private static let text = MessageDigestTests.text

    /// The digests of messages of these lengths, each beginning one byte behind the one before.
    private static func digests(of lengths: [Int], head: Int, in queue: inout DigestQueue) -> [[UInt8]] {
        var digests = [UInt8](repeating: 0, count: lengths.count * MessageDigest.byteCount)
        digests.withUnsafeMutableBytes { digests in
            text.withUnsafeBytes { text in
                for (place, length) in lengths.enumerated() {
                    queue.add(
                        head: UnsafeRawBufferPointer(rebasing: text[place..<place + head]),
                        body: UnsafeRawBufferPointer(rebasing: text[place + head..<place + head + length]),
                        digest: digests.baseAddress! + place * MessageDigest.byteCount)
                }
                queue.run()
            }
        }
        return lengths.indices.map { Array(digests[$0 * MessageDigest.byteCount..<($0 + 1) * MessageDigest.byteCount]) }
    }

    private static func expected(of lengths: [Int], head: Int) -> [[UInt8]] {
        lengths.enumerated().map { place, length in
            MessageDigestTests.expected(text[place..<place + head + length])
        }
    }

    @Test("Messages of all lengths side by side have the digests that they have alone", arguments: [true, false])
    func mixture(usesInstructions: Bool) {
        let usesInstructions = usesInstructions && MessageDigest.usesInstructions
        var queue = DigestQueue(capacity: 700, usesInstructions: usesInstructions)
        let lengths = (0..<700).map { ($0 * 271) % 701 }
        for (lengths, head) in [(lengths, 33), (lengths.reversed(), 0)] {
            #expect(Self.digests(of: lengths, head: head, in: &queue) == Self.expected(of: lengths, head: head))
        }
    }

    @Test("One long message keeps no short one waiting, and an odd one out is not forgotten")
    func unequal() {
        var queue = DigestQueue(capacity: 9)
        let long = 3_000
        for lengths in [[long], [long, 0], [0, long], [long, 1, 2, 64, 63], [1, 2, 3, 4, 5, 6, 7, 8, long], []] {
            #expect(Self.digests(of: lengths, head: 17, in: &queue) == Self.expected(of: lengths, head: 17))
        }
    }
}
