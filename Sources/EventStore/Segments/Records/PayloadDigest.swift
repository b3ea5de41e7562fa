import Digests
import EventModel

/// The value of `payload.sha256` for a payload: 64 hexadecimal digits.
final class PayloadDigest {
    static let count = 64
    private let text = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)

    deinit { text.deallocate() }

    /// The digits for a payload, until the next call.
    func of(_ payload: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &digest) { digest in
            MessageDigest.write(of: payload, to: digest.baseAddress!)
            for (position, byte) in digest.enumerated() {
                text[position * 2] = Self.digit(byte >> 4)
                text[position * 2 + 1] = Self.digit(byte & 15)
            }
        }
        return UnsafeRawBufferPointer(text)
    }

    /// The number of 16 bits that a digest begins with as text; 0 for text that does not begin with four digits.
    ///
    /// A segment keeps it of every row (docs/format/segment.md §4), so that a search for a digest hashes hardly a payload.
    static func start(of text: UnsafeRawBufferPointer) -> UInt16 {
        guard text.count >= 4, text[0..<4].allSatisfy(HexDigits.isDigit) else { return 0 }
        return text[0..<4].reduce(0) { $0 << 4 | UInt16(HexDigits.number(digit: $1)) }
    }

    /// Whether folded text could be a part of a digest.
    static func mayHold(_ text: [UInt8]) -> Bool {
        text.count <= count
            && text.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
            }
    }

    @inline(__always)
    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
