/// Random bytes for secrets; a test injects its own.
package typealias RandomBytes = @Sendable (_ count: Int) -> [UInt8]

/// Secrets as text that people can read to each other: the 58 letters and digits that do not look alike (no `0`, `O`, `I`
/// and `l`), so that a double click selects a whole token and no shell, URL or header has to quote it.
package enum SecretAlphabet {
    private static let characters: StaticString = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

    /// 44 characters of 58 kinds: 257 bits.
    package static let secretLength = 44

    /// The operating system's cryptographic random numbers.
    package static let systemRandom: RandomBytes = { count in
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Random text, every character equally likely.
    package static func text(length: Int, random: RandomBytes) -> String {
        var text: [UInt8] = []
        while text.count < length {
            // Bytes of 232 (4 × 58) and above are dropped: a remainder would favour the first characters.
            for byte in random(2 * length) where byte < 232 && text.count < length {
                text.append(characters.utf8Start[Int(byte % 58)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
