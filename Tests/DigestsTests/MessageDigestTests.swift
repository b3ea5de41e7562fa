import Crypto
import Testing

@testable import Digests

@Suite("Digests of messages")
struct MessageDigestTests {
    /// Bytes without a pattern of the length of a block.
    static let text = (0..<4_096).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) }

    static func expected(_ bytes: some Sequence<UInt8>) -> [UInt8] { Array(SHA256.hash(data: Array(bytes))) }

    static func written(_ head: some Sequence<UInt8>, _ body: some Sequence<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: MessageDigest.byteCount)
        digest.withUnsafeMutableBytes { digest in
            Array(head).withUnsafeBytes { head in
                Array(body).withUnsafeBytes { MessageDigest.write(of: $0, after: head, to: digest.baseAddress!) }
            }
        }
        return digest
    }

    @Test("The digest is SHA-256, by the vectors of FIPS 180-4")
    func vectors() {
        let hex = Self.written([], "abc".utf8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Self.written([], []) == Self.expected([]))
    }

    @Test("Every length gives what Crypto gives, whatever goes before", arguments: [0, 1, 33, 55, 63, 64])
    func lengths(head: Int) {
        for length in 0..<640 {
            let body = Self.text[head..<head + length]
            #expect(
                Self.written(Self.text[..<head], body) == Self.expected(Self.text[..<(head + length)]),
                "\(head) + \(length) bytes")
        }
    }

    @Test("Long messages are hashed where they lie", arguments: [0, 1, 2, 3])
    func alignment(offset: Int) {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        #expect(Self.written(bytes[..<offset], bytes[offset...]) == Self.expected(bytes))
    }
}
