internal import Digests

/// 32 bytes without an allocation: a digest or a key. Compares in constant time only where a caller makes it so; no
/// comparison here decides anything secret.
package struct Bytes32: Sendable, Hashable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    package static let count = 32
    /// 32 zero bytes.
    package static let zero = Bytes32()

    private init() { words = (0, 0, 0, 0) }

    /// The first 32 bytes of a buffer that has at least as many.
    package init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count >= Self.count)
        words = bytes.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self)
    }

    /// The 32 bytes of an array, or nil when it has another length.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.count else { return nil }
        self = bytes.withUnsafeBytes { Bytes32($0) }
    }

    /// The SHA-256 of `head ‖ body`.
    init(
        digestOf body: UnsafeRawBufferPointer,
        after head: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        self = .zero
        Swift.withUnsafeMutableBytes(of: &words) {
            MessageDigest.write(of: body, after: head, to: $0.baseAddress!)
        }
    }

    /// 32 random bytes; as secret as the generator is.
    package init(using generator: inout some RandomNumberGenerator) {
        words = (generator.next(), generator.next(), generator.next(), generator.next())
    }

    /// Calls `body` with the 32 bytes.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    /// The bytes as an array.
    package var array: [UInt8] { withUnsafeBytes { Array($0) } }

    package static func == (left: Self, right: Self) -> Bool {
        (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) | (left.words.2 ^ right.words.2)
            | (left.words.3 ^ right.words.3) == 0
    }

    package func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
